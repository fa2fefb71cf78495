package faults

import (
	"time"

	"github.com/go-rfcomm/rfcomm/rfcommtest"
)

// A fault is a cause of failure, in the table's second column.
type fault struct {
	name   string
	strike func(s *scenario)
}

// shortStall is the duration of a stall that ends.
const shortStall = time.Second

// The faults.
var (
	pageTimesOut = &fault{"page timeout", func(s *scenario) { s.far.SetReachable(false) }}
	refusedPage  = &fault{"refused by the controller", func(s *scenario) { s.far.Refuse(rfcommtest.LimitedResources) }}
	noListener   = &fault{"refused: nobody listens", func(s *scenario) {}}

	lost08 = lost("link lost: 0x08, connection timeout", rfcommtest.ConnectionTimeout)
	lost13 = lost("link lost: 0x13, peer hung up", rfcommtest.RemoteUserTerminated)
	lost14 = lost("link lost: 0x14, peer low on resources", rfcommtest.RemoteLowResources)
	lost15 = lost("link lost: 0x15, peer switched off", rfcommtest.RemotePowerOff)

	stallFor1s = &fault{"stall for 1 s", func(s *scenario) {
		s.link().Stall()
		timer := time.AfterFunc(shortStall, s.link().Resume)
		s.atEnd(func() { timer.Stop() })
	}}
	stallForEver = &fault{"stall beyond every timeout", func(s *scenario) { s.link().Stall() }}

	ownDown = &fault{"own adapter down", func(s *scenario) { s.check(s.near.Down()) }}
	farDown = &fault{"peer's adapter down", func(s *scenario) { s.check(s.far.Down()) }}
	ownGone = &fault{"own adapter removed", func(s *scenario) { s.check(s.near.Unplug()) }}
	farGone = &fault{"peer's adapter removed", func(s *scenario) { s.check(s.far.Unplug()) }}

	killed      = &fault{"peer process killed", func(s *scenario) { s.kill() }}
	neverReads  = &fault{"peer that never reads", func(s *scenario) {}}
	rubbish     = &fault{"peer sends rubbish", func(s *scenario) {}}
	wrongFrames = &fault{"malformed RFCOMM frames", func(s *scenario) {}}
)

// faults lists all faults in the order of the table.
var faults = []*fault{
	pageTimesOut, refusedPage, noListener,
	lost08, lost13, lost14, lost15,
	stallFor1s, stallForEver,
	ownDown, farDown, ownGone, farGone,
	killed, neverReads, rubbish, wrongFrames,
}

func lost(name string, reason rfcommtest.Reason) *fault {
	return &fault{name, func(s *scenario) {
		if !s.link().Disconnect(reason) {
			s.Error("there was no link to lose")
		}
	}}
}

// check is like must, but for goroutines other than the test's.
func (s *scenario) check(err error) {
	s.Helper()
	if err != nil {
		s.Error(err)
	}
}

func (s *scenario) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}
