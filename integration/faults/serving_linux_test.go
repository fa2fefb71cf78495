package faults

import (
	"bytes"
	"context"
	"io"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/filetransfer"
	"github.com/go-rfcomm/rfcomm/internal/test/conntest"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

// serving applies a fault while a client of the framed dialect gets a file. The
// result is that of ServeConn. The server must serve the next client.
var serving = &activity{name: "serving files", run: runServing, plans: map[*fault]plan{
	pageTimesOut: {never: transfersConnected},
	refusedPage:  {never: transfersConnected},
	noListener:   {never: transfersConnected},
	lost08:       {want: orNotConnected("ETIMEDOUT"), when: afterSupervision},
	lost13:       {want: orNotConnected("ECONNRESET")},
	lost14:       {want: orNotConnected("ECONNRESET")},
	lost15:       {want: orNotConnected("ECONNRESET")},
	stallFor1s:   {want: []string{success}, when: afterStall},
	stallForEver: {want: []string{"os.ErrDeadlineExceeded"}, within: idleWithin, when: afterIdle},
	ownDown:      {want: orNotConnected("ECONNABORTED")},
	farDown:      {want: orNotConnected("ETIMEDOUT"), when: afterSupervision},
	ownGone:      {want: orNotConnected("ECONNABORTED")},
	farGone:      {want: orNotConnected("ETIMEDOUT"), when: afterSupervision},
	killed:       {want: orNotConnected("ECONNRESET")},
	neverReads:   {want: []string{"os.ErrDeadlineExceeded"}, within: idleWithin, when: afterIdle},
	rubbish:      {want: []string{"filetransfer.ErrCorrupt"}},
	wrongFrames:  {want: []string{success}, when: afterTransfer, note: "another device sends them; the kernel ignores them"},
}}

func runServing(s *scenario) {
	e := s.newExchange(framedGet)
	e.listen(s.childAddress(s.near))
	e.serve(nil)
	var served <-chan error = e.served
	address := conntest.AddrOf(e.listener)
	switch s.fault {
	case killed:
		s.startChild("get", (rfcomm.Addr{Device: s.far.Addr()}).String(), address.String(), fileName)
		s.strike()
	case rubbish:
		c := e.dialFrom(address)
		s.strike()
		c.Write(append([]byte{0}, bytes.Repeat([]byte("rubbish\r\n"), 1000)...)) // NUL begins a request
		s.running.Go(func() { io.Copy(io.Discard, c) })
	default:
		c := e.dialFrom(address)
		c.after = strikeAfter
		struck := make(chan struct{})
		hold := make(chan struct{})
		var p *rawPeer
		if s.fault == wrongFrames {
			p = s.rawPeer()
			p.session()
		}
		c.reached = func() {
			s.strike()
			if p != nil {
				p.sendAllMalformed(2)
			}
			close(struck)
			if s.fault == neverReads {
				<-hold
			}
		}
		s.running.Go(func() {
			client := filetransfer.NewClient(c)
			client.IdleTimeout = patience
			defer client.Close()
			_, err := client.Get(context.Background(), fileName, io.Discard)
			s.Logf("the client: %v", err)
		})
		s.atEnd(func() { c.Close(); close(hold) })
		served = s.begun(struck, served)
	}
	s.await(served)
	s.revert(s.T)
	e.nextClient(address)
}

// dialFrom connects a client at the peer's device.
func (e *exchange) dialFrom(address rfcomm.Addr) *watchedConn {
	e.Helper()
	ctx, cancel := context.WithTimeout(e.Context(), anewWithin)
	defer cancel()
	c, err := dial(ctx, e.far, address)
	e.must(err)
	keepLittle(e, c)
	return &watchedConn{Conn: e.closing(c)}
}

// nextClient gets the file with another client, at the third device.
func (e *exchange) nextClient(address rfcomm.Addr) {
	e.Helper()
	ctx, cancel := context.WithTimeout(e.Context(), anewWithin)
	defer cancel()
	e.idle = patience
	conn, err := dial(ctx, e.third, address)
	e.must(err)
	e.closing(conn)
	if err := framedGet.move(ctx, conn, e); err != nil {
		e.Errorf("the next client: %v", err)
	} else if !e.whole(framedGet) {
		e.Error("the next client has no file")
	}
	if err := hosttest.Receive(e, e.served); err != nil {
		e.Errorf("serving the next client: %v", err)
	}
}
