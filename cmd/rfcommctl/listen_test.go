package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/bluez"
	"github.com/go-rfcomm/rfcomm/sdp"
)

// A queue is a listener of the far channel 4 with connections that are accepted
// one after the other.
type queue struct {
	conns  chan net.Conn
	closed chan struct{}
	close  func()
}

func newQueue(conns ...net.Conn) *queue {
	q := &queue{conns: make(chan net.Conn, len(conns)), closed: make(chan struct{})}
	for _, conn := range conns {
		q.conns <- conn
	}
	q.close = sync.OnceFunc(func() { close(q.closed) })
	return q
}

func (q *queue) Accept() (net.Conn, error) {
	select {
	case conn := <-q.conns:
		return conn, nil
	case <-q.closed:
		return nil, net.ErrClosed
	}
}

func (q *queue) Close() error   { q.close(); return nil }
func (q *queue) Addr() net.Addr { return rfcomm.Addr{Channel: 4} }

// client returns a connection for a queue. At its other end, a device sends a
// text and reads as many bytes as it expects before it closes the connection.
func client(sends string, expects int) (conn net.Conn, received <-chan string) {
	conn, peer := net.Pipe()
	got := make(chan string, 1)
	go func() {
		io.WriteString(peer, sends)
		buffer := make([]byte, expects)
		n, _ := io.ReadFull(peer, buffer)
		peer.Close()
		got <- string(buffer[:n])
	}()
	return conn, got
}

// An addressed is a connection of a device to hci0.
type addressed struct {
	net.Conn
	device rfcomm.BDAddr
}

func (a addressed) LocalAddr() net.Addr  { return rfcomm.Addr{Device: adapterAddr, Channel: 4} }
func (a addressed) RemoteAddr() net.Addr { return rfcomm.Addr{Device: a.device, Channel: 4} }

func TestListenServesOneDevice(t *testing.T) {
	f := newFake(t)
	f.stdin = strings.NewReader("answer")
	conn, received := client("question", len("answer"))
	f.clients = []net.Conn{conn}
	stdout, stderr := f.runs(t, 0, "listen")
	if got := <-received; stdout != "question" || got != "answer" {
		t.Errorf("it printed %q, the device received %q", stdout, got)
	}
	if stderr != "rfcommctl: listening on channel 4\n" {
		t.Errorf("stderr %q", stderr)
	}
}

func TestListenTakesOptions(t *testing.T) {
	for line, want := range map[string]server{
		"":                           {},
		"--channel 20":               {address: rfcomm.Addr{Channel: 20}},
		"-i hci0 --security high":    {address: rfcomm.Addr{Device: adapterAddr}, security: rfcomm.SecurityHigh},
		"--exec true":                {security: rfcomm.SecurityMedium},
		"--exec true --security low": {security: rfcomm.SecurityLow},
		"--publish Clock":            {name: "Clock"},
		"--publish Clock --service opp --channel 9": {name: "Clock", service: sdp.ObjectPush, address: rfcomm.Addr{Channel: 9}},
		"--publish Clock --service=1101":            {name: "Clock", service: sdp.SerialPort},
	} {
		f, got := newFake(t), server{}
		f.listen = func(_ context.Context, s server) (net.Listener, error) {
			got = s
			return nil, opError(syscall.EADDRINUSE)
		}
		_, stderr := f.runs(t, statusBusy, append([]string{"listen"}, strings.Fields(line)...)...)
		wantError(t, stderr, "address already in use")
		if got.address != want.address || got.security != want.security || got.name != want.name || got.service != want.service {
			t.Errorf("%s: listened %+v, want %+v", line, got, want)
		}
	}
}

func TestListenRefusesWrongUsage(t *testing.T) {
	for line, part := range map[string]string{
		"extra":                             `unexpected word "extra"`,
		"--channel 31":                      "channel from 1 to 30",
		"--security secret":                 "low, medium or high",
		"--timeout 0":                       "more than 0",
		"--exec=":                           "--exec needs a command",
		"--publish=":                        "--publish needs a name",
		"--service spp":                     "add --publish",
		"--publish x --service nonsense":    "a UUID, or a name such as spp",
		"--publish x -i hci0":               "on every adapter",
		"--tcp nonsense":                    "host:port",
		"--tcp=":                            "host:port",
		"--tcp 127.0.0.1:0 --channel 1":     "--channel is for Bluetooth",
		"--tcp 127.0.0.1:0 --security low":  "--security is for Bluetooth",
		"--tcp 127.0.0.1:0 -i hci0":         "--adapter is for Bluetooth",
		"--tcp 127.0.0.1:0 --publish Clock": "--publish is for Bluetooth",
	} {
		f := newFake(t)
		stdout, stderr := f.runs(t, statusUsage, append([]string{"listen"}, strings.Fields(line)...)...)
		wantError(t, stderr, part)
		if stdout != "" || len(f.servers) > 0 {
			t.Errorf("listen %s: printed %q, listened %v", line, stdout, f.servers)
		}
	}
}

// With --keep, each device gets the input that is typed while it is connected.
func TestListenKeepServesInTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		f, user := newFake(t), (*io.PipeWriter)(nil)
		f.stdin, user = io.Pipe()
		var received []<-chan string
		for range 3 {
			conn, got := client("question ", 1)
			f.clients, received = append(f.clients, conn), append(received, got)
		}
		go func() {
			for i, got := range received {
				time.Sleep(time.Second) // the device before has gone
				fmt.Fprint(user, i)
				if text := <-got; text != fmt.Sprint(i) {
					t.Errorf("device %d received %q", i, text)
				}
			}
			synctest.Wait()
			cancel(signalError{syscall.SIGINT})
			user.Close()
		}()
		if status := f.run(ctx, []string{"listen", "--keep"}); status != 130 {
			t.Errorf("status %d, want 130", status)
		}
		if f.stdout.String() != "question question question " {
			t.Errorf("it printed %q", &f.stdout)
		}
	})
}

func TestListenGivesUp(t *testing.T) {
	for _, line := range []string{"listen -t 3s", "listen -t 3s --keep", "listen -t 3s --keep --exec true"} {
		synctest.Test(t, func(t *testing.T) {
			f, began := newFake(t), time.Now()
			_, stderr := f.runs(t, statusBusy, strings.Fields(line)...)
			wantParts(t, stderr, "no device connected for 3s")
			if took := time.Since(began); took != 3*time.Second {
				t.Errorf("%s: it took %v", line, took)
			}
		})
	}
}

// The limit is for the time without a connection, not for connections.
func TestListenServesBeyondLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, began := newFake(t), time.Now()
		conn, peer := net.Pipe()
		f.clients = []net.Conn{conn}
		time.AfterFunc(time.Hour, func() { peer.Close() })
		f.runs(t, 0, "listen", "-t", "3s")
		if took := time.Since(began); took < time.Hour {
			t.Errorf("it took %v", took)
		}
	})
}

func TestListenWarnsOfUnreachableAdapter(t *testing.T) {
	for line, warned := range map[string]bool{"listen": false, "listen -i hci0": false, "listen -i hci1": true} {
		f := newFake(t)
		f.adapterList = append(f.adapterList, rfcomm.Adapter{Name: "hci1", Addr: printerAddr, Up: true})
		conn, _ := client("", 0)
		f.clients = []net.Conn{conn}
		_, stderr := f.runs(t, 0, strings.Fields(line)...)
		if got := strings.Contains(stderr, "no device can connect"); got != warned {
			t.Errorf("%s: stderr %q", line, stderr)
		}
	}
}

func TestListenReportsLostRecord(t *testing.T) {
	f := newFake(t)
	f.listen = func(_ context.Context, s server) (net.Listener, error) {
		s.report(bluez.ErrPowerOff)
		s.report(nil)
		conn, _ := client("", 0)
		return newQueue(conn), nil
	}
	_, stderr := f.runs(t, 0, "listen", "--publish", "Clock\x1b")
	wantParts(t, stderr, "rfcommctl: devices cannot find the service: the adapter is off: switch it on, for example by: rfcommctl adapters --power on\n",
		"rfcommctl: the service is published again\n", `channel 4, published as "Clock\x1b"`)
}

// A failed write to standard output ends listen also with --keep.
func TestListenKeepEndsWithOutput(t *testing.T) {
	f := newFake(t)
	f.tool.stdout = &output{w: brokenWriter{}}
	first, _ := client("data", 0)
	second, _ := client("data", 0)
	f.clients = []net.Conn{first, second}
	_, stderr := f.runs(t, statusOther, "listen", "--keep")
	wantParts(t, stderr, "no space left")
}

// A brokenWriter is a full disk.
type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, syscall.ENOSPC }

func TestSharedInputKeepsUnreadData(t *testing.T) {
	input := share(t.Context(), io.MultiReader(strings.NewReader("abcdef"), strings.NewReader("gh")))
	var got bytes.Buffer
	for range 2 {
		turn := input.turn()
		buffer := make([]byte, 2)
		n, err := turn.Read(buffer)
		if err != nil {
			t.Fatal(err)
		}
		got.Write(buffer[:n])
		turn.end()
		if n, err := turn.Read(buffer); n != 0 || err != io.EOF {
			t.Errorf("Read after end returned %d, %v", n, err)
		}
	}
	for range 2 { // the end of the input is the end for each
		rest, err := io.ReadAll(input.turn())
		if err != nil {
			t.Fatal(err)
		}
		got.Write(rest)
	}
	if got.String() != "abcdefgh" {
		t.Errorf("got %q", &got)
	}
}
