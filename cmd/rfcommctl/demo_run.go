package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/go-rfcomm/rfcomm"
)

// demoReach is the maximum time in which two adapters have to reach each other.
const demoReach = 10 * time.Second

// A demo runs commands as two machines do, A and B, and prints the commands and
// their output.
type demo struct {
	t    *tool
	a, b rfcomm.Adapter
	way  string // how they are connected

	adapters      func() ([]rfcomm.Adapter, error)
	dial          dialFunc
	listen        listenFunc
	longestPacket func(adapter rfcomm.BDAddr) (int, error)

	steps int
	mu    sync.Mutex // of the output
	out   io.Writer
	width int // of the terminal, or 0
}

func newDemo(t *tool) *demo {
	d := &demo{t: t, adapters: t.adapters, dial: t.dial, listen: t.listen, longestPacket: t.longestPacket, out: t.stdout, width: t.columns}
	if t.quiet {
		d.out = io.Discard
	}
	return d
}

// say prints a paragraph.
func (d *demo) say(format string, arguments ...any) {
	d.print(wrapWords("", oneLine(fmt.Sprintf(format, arguments...)), cmp.Or(d.width, helpWidth), 0))
}

// step prints what follows.
func (d *demo) step(text string) {
	d.steps++
	d.print("")
	d.say("%d. %s", d.steps, text)
}

// print prints a line.
func (d *demo) print(line string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	fmt.Fprintln(d.out, line)
}

// A machineOutput prints the output of a machine, with the name of the machine
// before each line.
type machineOutput struct {
	d       *demo
	name    string
	mu      sync.Mutex
	rest    []byte      // of an incomplete line
	printed chan string // receives lines, if there is room
}

// Write implements [io.Writer].
func (m *machineOutput) Write(p []byte) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.rest = append(m.rest, p...)
	for {
		line, rest, ok := bytes.Cut(m.rest, []byte("\n"))
		if !ok {
			return len(p), nil
		}
		text := "  " + m.name + "  " + string(line)
		if m.d.width > 0 && columns(text) > m.d.width {
			text = wrapWords("  "+m.name+" ", string(line), m.d.width, len("  B  ")+messageIndent)
		}
		m.d.print(text)
		select {
		case m.printed <- string(line):
		default:
		}
		m.rest = rest
	}
}

// await waits until the machine has printed a line with a text, for a short time:
// without it, lines of both machines can be printed in another order.
func (m *machineOutput) await(ctx context.Context, text string) {
	timer := time.NewTimer(demoReach)
	defer timer.Stop()
	for {
		select {
		case line := <-m.printed:
			if strings.Contains(line, text) {
				return
			}
		case <-timer.C:
			return
		case <-ctx.Done():
			return
		}
	}
}

// A demoProcess is a command of a machine in the background.
type demoProcess struct {
	d       *demo
	out     *machineOutput
	command string
	ended   chan struct{} // closed at the end
	status  int           // at the end
	listens chan int      // receives the channel
	cancel  context.CancelCauseFunc
}

// start starts a command on a machine. The input is a line of text, or "".
func (d *demo) start(ctx context.Context, machine, input string, words []string) *demoProcess {
	p := &demoProcess{d: d, command: "rfcommctl", ended: make(chan struct{}), listens: make(chan int, 1)}
	p.out = &machineOutput{d: d, name: machine, printed: make(chan string, 100)}
	for _, word := range words {
		p.command += " " + word
	}
	line := machine + "$ " + p.command
	if input != "" {
		line = machine + "$ echo " + input + " | " + p.command
		input += "\n"
	}
	d.print(wrapCode(line, cmp.Or(d.width, math.MaxInt)))
	ctx, p.cancel = context.WithCancelCause(ctx)
	t := p.tool(input)
	go func() {
		defer close(p.ended)
		p.status = t.run(ctx, words)
	}()
	return p
}

// tool returns the tool of the machine.
func (p *demoProcess) tool(input string) *tool {
	d := p.d
	t := *d.t
	t.stdin, t.stdout, t.stderr = strings.NewReader(input), &output{w: p.out}, p.out
	t.columns, t.chatty, t.answers = 0, false, false
	t.recent, t.listed = recentList{cacheFile{now: time.Now}}, listedFiles{cacheFile{now: time.Now}} // leaves nothing behind
	t.adapters, t.dial, t.longestPacket = d.adapters, d.dial, d.longestPacket
	t.listen = func(ctx context.Context, s server) (net.Listener, error) {
		l, err := d.listen(ctx, s)
		if err == nil {
			p.listens <- channelOf(l)
		}
		return l, err
	}
	return &t
}

// channelOf returns the channel of a listener.
func channelOf(l net.Listener) int {
	address, _ := l.Addr().(rfcomm.Addr)
	return address.Channel
}

// serve starts a command on machine B, and waits until it listens and has printed a
// line with a text.
func (d *demo) serve(ctx context.Context, text string, words ...string) (p *demoProcess, channel int, err error) {
	p = d.start(ctx, "B", "", words)
	select {
	case channel = <-p.listens:
		p.out.await(ctx, text)
		return p, channel, nil
	case <-p.ended:
		p.cancel(nil)
		return nil, 0, p.failure(ctx)
	}
}

// run runs a command on machine A.
func (d *demo) run(ctx context.Context, input string, words ...string) error {
	return d.start(ctx, "A", input, words).ends(ctx, statusOK)
}

// ends waits for the end of the command, and returns an error if it has another
// status.
func (p *demoProcess) ends(ctx context.Context, status int) error {
	defer p.cancel(nil)
	if <-p.ended; p.status != status {
		return p.failure(ctx)
	}
	return nil
}

// interrupt presses Ctrl-C, and waits for the end of the command.
func (p *demoProcess) interrupt(ctx context.Context) error {
	p.d.print("  " + p.out.name + "  ^C")
	p.cancel(signalError{syscall.SIGINT})
	return p.ends(ctx, statusSignal+int(syscall.SIGINT))
}

// kill ends the command, if it has not ended. It uses no files afterwards.
func (p *demoProcess) kill() {
	p.cancel(errors.New("the demo has failed"))
	<-p.ended
}

// failure returns an error for a status that was not expected.
func (p *demoProcess) failure(ctx context.Context) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return fmt.Errorf("%q on %s ended with status %d", p.command, p.out.name, p.status)
}
