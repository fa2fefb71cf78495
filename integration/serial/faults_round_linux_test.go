package serial_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/test/conntest"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
	"github.com/go-rfcomm/rfcomm/internal/test/programs"
)

// patience limits each operation of a round. None takes nearly as long. It is
// shorter than the 30 s for which the kernel waits until a tty has sent everything
// (closing_wait).
const patience = 25 * time.Second

// A round is one strike of a fault.
type round struct {
	*testing.T
	*air
	fault   *fault
	ports   []*port           // one of each use
	program *programs.Process // runs the uses, if the fault needs that
}

// A port is a use over a connection.
type port struct {
	*round
	use    *use
	path   string           // of the tty
	peer   *rfcomm.Conn     // the end at far
	holder *os.File         // another descriptor of the tty, if it is held
	cancel func()           // ends the use, unless a program runs it
	result <-chan error     // of the use, unless a program runs it
	listen *rfcomm.Listener // at far
	loaded sync.WaitGroup   // goroutines of load
}

// begin connects a port of each use.
func (r *round) begin() {
	r.Helper()
	for _, u := range uses {
		r.ports = append(r.ports, &port{round: r, use: u, listen: r.air.listen(r)})
	}
	if r.fault.program {
		r.beginProgram()
	} else {
		for _, p := range r.ports {
			p.begin()
		}
	}
	for _, p := range r.ports {
		p.peer = conntest.Accept(r, p.listen)
		p.listen.Close()
	}
}

// beginProgram starts a program that runs all uses.
func (r *round) beginProgram() {
	r.Helper()
	words := []string{"uses", r.near.Addr().String()}
	for _, p := range r.ports {
		words = append(words, conntest.AddrOf(p.listen).String())
	}
	r.program = start(r, words...)
	for _, p := range r.ports {
		p.path = strings.TrimPrefix(r.program.Line(), "ready ")
	}
}

// begin starts the use in a goroutine and waits until it is connected.
func (p *port) begin() {
	p.Helper()
	ctx, cancel := context.WithCancel(p.Context())
	p.Cleanup(cancel)
	p.cancel = cancel
	path, result, err := p.use.start(ctx, p.near.Addr(), conntest.AddrOf(p.listen))
	if err != nil {
		p.Fatalf("%s: %v", p.use.name, err)
	}
	p.path, p.result = path, result
}

// start runs a use in a goroutine and waits until it is ready.
func (u *use) start(ctx context.Context, from rfcomm.BDAddr, to rfcomm.Addr) (path string, result <-chan error, err error) {
	ready := make(chan string, 1)
	result = hosttest.InBackground(func() error {
		return u.run(ctx, from, to, func(path string) { ready <- path })
	})
	select {
	case path := <-ready:
		return path, result, nil
	case err := <-result:
		return "", nil, fmt.Errorf("the use ended before it was ready: %w", err)
	}
}

func init() { subprograms["uses"] = runUses }

// runUses runs all uses: from an adapter, each to an address.
func runUses(ctx context.Context, arguments []string) error {
	from, err := rfcomm.ParseBDAddr(arguments[0])
	if err != nil {
		return err
	}
	for i, u := range uses {
		to, err := rfcomm.ParseAddr(arguments[1+i])
		if err != nil {
			return err
		}
		path, _, err := u.start(ctx, from, to)
		if err != nil {
			return fmt.Errorf("%s: %w", u.name, err)
		}
		fmt.Println("ready", path)
	}
	<-ctx.Done()
	return nil
}

// exchange checks that data passes in both directions.
func (p *port) exchange() {
	p.Helper()
	const word = "hello\r\n\x00\x11\x13\xff"
	p.peer.SetDeadline(time.Now().Add(patience))
	conntest.Send(p, p.peer, word)
	if !p.use.echoes {
		tty := openNode(p, p.path)
		defer tty.Close()
		tty.SetDeadline(time.Now().Add(patience))
		got := make([]byte, len(word))
		if _, err := io.ReadFull(tty, got); err != nil || string(got) != word {
			p.Fatalf("%s: read %q, %v from %s, want %q", p.use.name, got, err, p.path, word)
		}
		if _, err := tty.WriteString(word); err != nil {
			p.Fatalf("%s: %v", p.use.name, err)
		}
	}
	conntest.Receive(p, p.peer, word)
	p.peer.SetDeadline(time.Time{})
}

// hold opens the tty, if there is one, as another program does.
func (p *port) hold() {
	p.Helper()
	if p.path != "" {
		p.holder = openNode(p, p.path)
	}
}

// load makes the connection carry data in both directions until it ends, if there
// is a program that sends the data back. The peer waits for it after each piece:
// with several connections that always send in both directions, the kernel loses
// data, probably because the L2CAP socket of RFCOMM overflows (l2cap_sock_recv_cb).
func (p *port) load() {
	if p.holder != nil && !p.use.echoes {
		p.loaded.Go(func() { io.Copy(struct{ io.Writer }{p.holder}, struct{ io.Reader }{p.holder}) })
	} else if !p.use.echoes {
		return
	}
	p.loaded.Go(func() {
		for data := make([]byte, 4000); ; {
			if _, err := p.peer.Write(data); err != nil {
				return
			}
			if _, err := io.ReadFull(p.peer, data); err != nil {
				return
			}
		}
	})
}

// wantResult waits for the result of the use.
func (p *port) wantResult() {
	p.Helper()
	if p.result == nil {
		return
	}
	began := time.Now()
	err := hosttest.Receive(p, p.result)
	if took := time.Since(began); took > patience {
		p.Errorf("%s ended after %v", p.use.name, took)
	}
	want := p.fault.want
	if p.use.noErrno {
		want = nil
	}
	if err != want && !errors.Is(err, want) {
		p.Errorf("%s ended with %v, want %v", p.use.name, err, want)
	}
}

// wantEnd waits until the peer, and the program that holds the tty, have noticed
// the end of the connection.
func (p *port) wantEnd() {
	p.Helper()
	if p.use.kernel && p.fault.ours && (p.fault.program || !p.use.hangsUp) {
		p.release() // the kernel keeps the connection of a tty while a program has it open
	}
	p.wantPeerEnd()
	p.wantHangup()
	p.release()
	p.loaded.Wait()
	if p.use.clean != nil {
		p.use.clean(p)
	}
}

func (p *port) release() {
	if p.holder != nil {
		p.holder.Close()
	}
	p.holder = nil
}

// wantPeerEnd waits until the peer has read the end of the connection.
func (p *port) wantPeerEnd() {
	p.Helper()
	p.peer.SetReadDeadline(time.Now().Add(patience))
	if _, err := io.Copy(io.Discard, p.peer); errors.Is(err, os.ErrDeadlineExceeded) {
		p.Errorf("%s: after %v, the peer is still connected", p.use.name, patience)
	}
	p.peer.Close()
}

// wantHangup waits until the program that holds the tty has read its end.
func (p *port) wantHangup() {
	p.Helper()
	if p.holder == nil {
		return
	}
	p.holder.SetReadDeadline(time.Now().Add(patience))
	if _, err := io.Copy(io.Discard, p.holder); errors.Is(err, os.ErrDeadlineExceeded) {
		p.Errorf("%s: after %v, a program that has %s open still reads", p.use.name, patience, p.path)
	}
}
