package faults

import (
	"time"

	"github.com/go-rfcomm/rfcomm/internal/test/conntest"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
	"github.com/go-rfcomm/rfcomm/internal/test/mux"
)

// dialing applies a fault during a Dial. A fault that concerns the page strikes
// before the page is answered. Any other strikes once the link exists, while
// the dial waits for the peer's answer to the first RFCOMM frame.
var dialing = &activity{name: "Dial", run: runDialing, plans: map[*fault]plan{
	pageTimesOut: {want: []string{"EHOSTDOWN"}, when: afterPage},
	refusedPage:  {want: []string{"ECONNREFUSED"}},
	noListener:   {want: []string{"ECONNREFUSED"}},
	lost08:       {want: []string{"ETIMEDOUT"}, when: afterSupervision},
	lost13:       {want: []string{success}, note: triesAgain},
	lost14:       {want: []string{success}, note: triesAgain},
	lost15:       {want: []string{success}, note: triesAgain},
	stallFor1s:   {want: []string{success}, when: afterStall},
	stallForEver: {want: []string{"ETIMEDOUT"}, within: 90 * time.Second, long: true},
	ownDown:      {want: []string{"ECONNABORTED"}},
	farDown:      {want: []string{"ETIMEDOUT"}, when: afterSupervision},
	ownGone:      {want: []string{"ECONNABORTED"}},
	farGone:      {want: []string{"ETIMEDOUT"}, when: afterSupervision},
	killed:       {want: []string{"ECONNREFUSED"}, when: "when the device answers the page", note: "killed during the page"},
	neverReads:   {want: []string{success}, note: "the kernel accepts connections for a program that does not; when its backlog is full, the dial fails with ECONNREFUSED"},
	rubbish:      {never: "a dial reads no data; see the malformed frames"},
	wrongFrames:  {want: []string{"ECONNREFUSED"}, note: "the kernel ignores them; the peer then reports that the channel is closed"},
}}

const triesAgain = "the dial retries for up to 5 s, and succeeds if the device answers; otherwise it fails with ECONNRESET, or with the error of the next page"

func runDialing(s *scenario) {
	l := listen(s.T, s.far)
	s.atEnd(func() { l.Close() })
	address := conntest.AddrOf(l)
	dials := func() <-chan error {
		return hosttest.InBackground(func() error {
			c, err := dial(s.Context(), s.near, address)
			if err == nil {
				c.Close()
			}
			return err
		})
	}
	switch s.fault {
	case noListener:
		l.Close()
		s.strike()
		s.await(dials())
	case pageTimesOut, refusedPage, neverReads:
		s.strike()
		s.await(dials())
	case stallFor1s, stallForEver:
		s.connected() // so that there is a link
		s.strike()
		s.await(dials())
	case killed:
		address = s.childAddress(s.far)
		s.startChild("listen", address.String())
		const pageTime = time.Second
		s.near.SetPageTimeout(2 * pageTime)
		s.link().SetPageDelay(pageTime)
		dialed := dials()
		hosttest.AwaitPolling(s, "(*Socket).awaitConnected")
		s.strike()
		s.await(dialed)
	case wrongFrames:
		// The kernel dials over the existing session, no matter which
		// end began it.
		p := s.rawPeer()
		p.session()
		address = s.childAddress(s.device.Controller)
		s.strike()
		dialed := dials()
		hosttest.Receive(s, p.commands)
		dlci := byte(address.Channel<<1 | 1)
		p.sendAllMalformed(dlci)
		p.send(mux.Frame(dlci, mux.DM))
		s.await(dialed)
	default:
		s.connected() // so that there is a link
		s.link().Stall()
		dialed := dials()
		hosttest.AwaitPolling(s, "(*Socket).awaitConnected")
		s.strike()
		s.link().Resume() // for the dial's next attempt
		s.await(dialed)
	}
}
