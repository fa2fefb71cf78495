package faults

import (
	"time"

	"github.com/go-rfcomm/rfcomm/rfcommtest"
)

// A fault is a cause of failure, in the table's second column.
type fault struct {
	name   string
	strike func(s *scene)
}

// shortStall is the duration of a stall that ends.
const shortStall = time.Second

// The faults.
var (
	pageTimesOut = &fault{"page timeout", func(s *scene) { s.far.SetReachable(false) }}
	refusedPage  = &fault{"refused by the controller", func(s *scene) { s.far.Refuse(rfcommtest.LimitedResources) }}
	noListener   = &fault{"refused: nobody listens", func(s *scene) {}}

	lost08 = lost("link lost: 0x08, connection timeout", rfcommtest.ConnectionTimeout)
	lost13 = lost("link lost: 0x13, peer hung up", rfcommtest.RemoteUserTerminated)
	lost14 = lost("link lost: 0x14, peer low on resources", rfcommtest.RemoteLowResources)
	lost15 = lost("link lost: 0x15, peer switched off", rfcommtest.RemotePowerOff)

	stallFor1s = &fault{"stall for 1 s", func(s *scene) {
		s.link().Stall()
		timer := time.AfterFunc(shortStall, s.link().Resume)
		s.atEnd(func() { timer.Stop() })
	}}
	stallForEver = &fault{"stall beyond every timeout", func(s *scene) { s.link().Stall() }}

	ownDown = &fault{"own adapter down", func(s *scene) { s.check(s.near.Down()) }}
	farDown = &fault{"peer's adapter down", func(s *scene) { s.check(s.far.Down()) }}
	ownGone = &fault{"own adapter removed", func(s *scene) { s.check(s.near.Unplug()) }}
	farGone = &fault{"peer's adapter removed", func(s *scene) { s.check(s.far.Unplug()) }}

	killed      = &fault{"peer process killed", func(s *scene) { s.kill() }}
	neverReads  = &fault{"peer that never reads", func(s *scene) {}}
	rubbish     = &fault{"peer sends rubbish", func(s *scene) {}}
	wrongFrames = &fault{"malformed RFCOMM frames", func(s *scene) {}}
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
	return &fault{name, func(s *scene) {
		if !s.link().Disconnect(reason) {
			s.Error("there was no link to lose")
		}
	}}
}

// check is like must, but for goroutines other than the test's.
func (s *scene) check(err error) {
	s.Helper()
	if err != nil {
		s.Error(err)
	}
}

func (s *scene) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}
