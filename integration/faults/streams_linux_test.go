package faults

import (
	"bytes"
	"context"
	"time"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/test/conntest"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
	"github.com/go-rfcomm/rfcomm/internal/test/mux"
)

const (
	connectedAlready = "the connection already exists"
	onlyReads        = "Read sends nothing"
	framesIgnored    = "the kernel ignores them; unlike 6.12, Linux 6.1 delivers the header of a truncated frame as data"
	anyBytes         = "a connection carries any bytes"
)

// reading applies a fault while a Read waits.
var reading = &activity{name: "Read", run: runReading, plans: map[*fault]plan{
	pageTimesOut: {never: connectedAlready},
	refusedPage:  {never: connectedAlready},
	noListener:   {never: connectedAlready},
	lost08:       {want: []string{"ETIMEDOUT"}, when: afterSupervision},
	lost13:       {want: []string{"io.EOF"}},
	lost14:       {want: []string{"io.EOF"}},
	lost15:       {want: []string{"io.EOF"}},
	stallFor1s:   {want: []string{success}, when: afterStall},
	stallForEver: {want: []string{success}, when: afterStall, note: "or ErrDeadlineExceeded at its deadline; real controllers end the link after the supervision timeout", within: 90 * time.Second, long: true},
	ownDown:      {want: []string{"ECONNABORTED"}},
	farDown:      {want: []string{"ETIMEDOUT"}, when: afterSupervision},
	ownGone:      {want: []string{"ECONNABORTED"}},
	farGone:      {want: []string{"ETIMEDOUT"}, when: afterSupervision},
	killed:       {want: []string{"io.EOF"}},
	neverReads:   {never: onlyReads},
	rubbish:      {never: anyBytes},
	wrongFrames:  {want: []string{success}, note: framesIgnored},
}}

// longerThanAll exceeds every timeout of the kernel observed so far.
const longerThanAll = 55 * time.Second

// endStall checks that a call has not returned after longerThanAll, and
// then calls end, which must make it return. The returned channel
// receives the result.
func (s *scenario) endStall(result <-chan error, end func()) <-chan error {
	s.Helper()
	select {
	case err := <-result:
		s.Errorf("a call returned during the stall: %v", err)
		return returned(err)
	case <-time.After(longerThanAll):
		end()
		return result
	}
}

// returned returns a channel that holds the result of a call.
func returned(err error) <-chan error {
	result := make(chan error, 1)
	result <- err
	return result
}

func runReading(s *scenario) {
	var near, far *rfcomm.Conn
	var p *rawPeer
	var dlci byte
	switch s.fault {
	case killed:
		near = s.childConnection()
	case wrongFrames:
		near, p, dlci = s.connectedToRaw(100)
	default:
		near, far = s.connected()
	}
	if p != nil {
		p.sendMalformed(dlci, near) // one by one
	}
	read := hosttest.InBackground(func() error {
		got := make([]byte, 100)
		n, err := near.Read(got)
		if err == nil && string(got[:n]) != "x" {
			s.Errorf("read %q, want x", got[:n])
		}
		return err
	})
	hosttest.AwaitPolling(s, "(*Conn).Read")
	s.strike()
	switch s.fault {
	case stallFor1s:
		far.Write([]byte("x"))
	case stallForEver:
		far.Write([]byte("x"))
		read = s.endStall(read, func() { s.revert(s.T) })
	case wrongFrames:
		for _, f := range append(allMalformed(dlci), mux.Frame(dlci, mux.UIH, 'x')) {
			p.send(f)
		}
	}
	s.await(read)
	if s.err != nil {
		if _, again := near.Read(make([]byte, 1)); again == nil || again.Error() != s.err.Error() {
			s.Errorf("Read again: %v, want %v", again, s.err)
		}
	}
}

// sendMalformed sends all malformed frames, and checks that Read returns none
// of their bytes.
func (p *rawPeer) sendMalformed(dlci byte, near *rfcomm.Conn) {
	p.Helper()
	for _, m := range malformed(dlci) {
		for _, f := range m.frames {
			p.send(f)
		}
		p.send(mux.Frame(dlci, mux.UIH, 'x'))
		near.SetReadDeadline(time.Now().Add(anewWithin))
		var got []byte
		var err error
		for one := make([]byte, 1); err == nil && !bytes.HasSuffix(got, []byte("x")); {
			var n int
			n, err = near.Read(one)
			got = append(got, one[:n]...)
		}
		rest := bytes.TrimSuffix(got, []byte("x"))
		if err != nil || len(rest) > 0 && !(takesHeaders(p) && bytes.Equal(rest, m.taken)) {
			p.Errorf("after %s: read %q, %v", m.name, got, err)
		}
	}
	near.SetReadDeadline(time.Time{})
}

// writing applies a fault while a Write waits because the peer has not read.
var writing = &activity{name: "Write into a full buffer", run: runWriting, plans: map[*fault]plan{
	pageTimesOut: {never: connectedAlready},
	refusedPage:  {never: connectedAlready},
	noListener:   {never: connectedAlready},
	lost08:       {want: orNotConnected("ETIMEDOUT"), when: afterSupervision},
	lost13:       {want: orNotConnected("ECONNRESET")},
	lost14:       {want: orNotConnected("ECONNRESET")},
	lost15:       {want: orNotConnected("ECONNRESET")},
	stallFor1s:   {want: []string{success}, when: afterStall},
	stallForEver: {want: []string{"os.ErrDeadlineExceeded"}, when: atDeadline, note: "real controllers end the link after the supervision timeout", within: 90 * time.Second, long: true},
	ownDown:      {want: orNotConnected("ECONNABORTED")},
	farDown:      {want: orNotConnected("ETIMEDOUT"), when: afterSupervision},
	ownGone:      {want: orNotConnected("ECONNABORTED")},
	farGone:      {want: orNotConnected("ETIMEDOUT"), when: afterSupervision},
	killed:       {want: orNotConnected("ECONNRESET")},
	neverReads:   {want: []string{"os.ErrDeadlineExceeded"}, when: "at its deadline; without one, when the peer reads"},
	rubbish:      {never: anyBytes},
	wrongFrames:  {want: []string{success}, note: framesIgnored},
}}

func runWriting(s *scenario) {
	near, far, p, dlci := s.filled()
	wrote := hosttest.InBackground(func() error {
		_, err := near.Write([]byte("no room"))
		return err
	})
	hosttest.AwaitPolling(s, "(*Conn).Write")
	s.strike()
	switch s.fault {
	case stallFor1s:
		s.drain(far)
	case stallForEver:
		wrote = s.endStall(wrote, func() { near.SetWriteDeadline(time.Now()) })
	case neverReads:
		near.SetWriteDeadline(time.Now().Add(shortStall))
	case wrongFrames:
		p.sendMalformed(dlci, near)
		p.send(mux.Frame(dlci, mux.UIHCredits, 200))
	}
	s.await(wrote)
}

// filled returns a connection whose buffers are full, in both kernels, and its
// far end: a Conn, or under malformed frames a raw peer and its DLCI. A child
// process has the far end if it is to be killed.
func (s *scenario) filled() (near, far *rfcomm.Conn, p *rawPeer, dlci byte) {
	switch s.fault {
	case killed:
		near = s.childConnection()
	case wrongFrames:
		near, p, dlci = s.connectedToRaw(100)
	default:
		near, far = s.connected()
	}
	s.fill(near)
	return near, far, p, dlci
}

// fill fills the buffers of both kernels. The virtual radio takes data well
// within the timeout.
func (s *scenario) fill(c *rfcomm.Conn) {
	s.Helper()
	conntest.FillWithin(s, c, 150*time.Millisecond)
}

// shutdownWithin is the maximum time until a Shutdown gives up on a peer that
// reads nothing: 5 minutes, unless its context ends earlier.
const shutdownWithin = 5*time.Minute + margin

// shuttingDown applies a fault while Shutdown waits for a peer that has not
// read all data.
var shuttingDown = &activity{name: "Shutdown", run: runShuttingDown, plans: map[*fault]plan{
	pageTimesOut: {never: connectedAlready},
	refusedPage:  {never: connectedAlready},
	noListener:   {never: connectedAlready},
	lost08:       {want: orLost("ETIMEDOUT"), when: afterSupervision},
	lost13:       {want: orLost("ECONNRESET")},
	lost14:       {want: orLost("ECONNRESET")},
	lost15:       {want: orLost("ECONNRESET")},
	stallFor1s:   {want: []string{success}, when: afterStall},
	stallForEver: {want: []string{"ETIMEDOUT"}, within: shutdownWithin, long: true},
	ownDown:      {want: []string{"ECONNABORTED"}},
	farDown:      {want: orLost("ETIMEDOUT"), when: afterSupervision},
	ownGone:      {want: []string{"ECONNABORTED"}},
	farGone:      {want: orLost("ETIMEDOUT"), when: afterSupervision},
	killed:       {want: orLost("ECONNRESET")},
	neverReads:   {want: []string{"ETIMEDOUT"}, within: shutdownWithin, long: true},
	rubbish:      {never: anyBytes},
	wrongFrames:  {want: []string{success}, note: framesIgnored},
}}

func runShuttingDown(s *scenario) {
	near, far, p, dlci := s.filled()
	shutdown := hosttest.InBackground(func() error { return near.Shutdown(context.Background()) })
	// Once Shutdown has begun, the methods of the Conn fail.
	hosttest.Eventually(s, "Shutdown has begun", func() bool { return near.SetDeadline(time.Time{}) != nil })
	hosttest.AwaitPolling(s, "(*Socket).awaitSent")
	s.strike()
	switch s.fault {
	case stallFor1s:
		s.drain(far)
	case wrongFrames:
		p.sendAllMalformed(dlci)
		for range 20 {
			p.send(mux.Frame(dlci, mux.UIHCredits, 200))
		}
		p.send(mux.Frame(dlci, mux.UA))
	}
	s.await(shutdown)
}
