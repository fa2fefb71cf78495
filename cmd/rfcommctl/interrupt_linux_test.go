package main

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

// A busy is a command that was started and is at work.
type busy struct {
	*job
	stderr io.Reader // or nil, if the job collects the errors
	left   func()    // checks what the command has left behind
}

// busyCommands are the commands that can take a long time over TCP. Those that need
// Bluetooth are interrupted in TestRFCOMMInterrupted.
var busyCommands = map[string]func(t *testing.T) busy{
	"connect": func(t *testing.T) busy { return dials(t, "", "connect") },
	"connect --exec": func(t *testing.T) busy {
		return dials(t, "ready\n", "connect", "--exec", "echo ready; exec sleep 1000")
	},
	"connect --listen-tcp": bridges,
	"listen":               func(t *testing.T) busy { return accepts(t, "", "listen") },
	"listen --keep":        func(t *testing.T) busy { return accepts(t, "", "listen", "--keep") },
	"listen --exec": func(t *testing.T) busy {
		return accepts(t, "ready\n", "listen", "--keep", "--exec", "echo ready; exec sleep 1000")
	},
	"tty":          offers,
	"tty --listen": func(t *testing.T) busy { return accepts(t, "", "tty", "--pty", "--listen") },
	"relay":        func(t *testing.T) busy { return dials(t, "", "relay", hosttest.OpenTerminal(t).Slave.Name()) },
	"relay --listen": func(t *testing.T) busy {
		return accepts(t, "", "relay", "--keep", "--listen", hosttest.OpenTerminal(t).Slave.Name())
	},
	"serve":         func(t *testing.T) busy { return accepts(t, "Enter", "serve", t.TempDir()) },
	"get":           gets,
	"put":           puts,
	"ls":            func(t *testing.T) busy { return dials(t, "", "ls") },
	"stat":          func(t *testing.T) busy { return dials(t, "", "stat", "a") },
	"speed":         func(t *testing.T) busy { return dials(t, "", "speed") },
	"speed --serve": func(t *testing.T) busy { return accepts(t, "", "speed", "--serve") },
}

// dials starts a command that connects to the test, and awaits a text.
func dials(t *testing.T, text string, arguments ...string) busy {
	l, address := listenTCP(t)
	j := launch(t, append(arguments, "--tcp", address)...)
	conn := accept(t, l)
	receives(t, conn, text)
	return busy{j, nil, func() { wantEnd(t, conn) }}
}

// accepts starts a command that listens, connects to it, and awaits a text.
func accepts(t *testing.T, text string, arguments ...string) busy {
	j, address, stderr := launchServer(t, arguments...)
	conn := dialTCP(t, address)
	receives(t, conn, text)
	return busy{j, stderr, func() { wantEnd(t, conn); wantFree(t, address) }}
}

// receives reads a text from a connection.
func receives(t *testing.T, conn net.Conn, text string) {
	t.Helper()
	got := make([]byte, len(text))
	if _, err := io.ReadFull(conn, got); err != nil || string(got) != text {
		t.Fatalf("received %q, %v, want %q", got, err, text)
	}
}

// wantEnd checks that the peer has closed a connection.
func wantEnd(t *testing.T, conn net.Conn) {
	t.Helper()
	ended := hosttest.InBackground(func() error { _, err := io.Copy(io.Discard, conn); return err })
	if err := hosttest.Receive(t, ended); err != nil && !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the connection ends with %v", err)
	}
}

// wantFree checks that nothing listens on an address.
func wantFree(t *testing.T, address string) {
	t.Helper()
	if conn, err := net.Dial("tcp", address); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("something still listens on %s: %v, %v", address, conn, err)
	}
}

func bridges(t *testing.T) busy {
	l, address := listenTCP(t)
	c, port, stderr := startBridge(t, address)
	client := dialTCP(t, port)
	conn := accept(t, l)
	return busy{&job{Cmd: c}, stderr, func() { wantEnd(t, conn); wantEnd(t, client); wantFree(t, port) }}
}

func offers(t *testing.T) busy {
	l, address := listenTCP(t)
	directory := t.TempDir()
	j := offerTTY(t, filepath.Join(directory, "gps"), "--tcp", address)
	conn := accept(t, l)
	j.opens(t)
	return busy{j.job, j.lines, func() { wantEnd(t, conn); wantFiles(t, directory) }}
}

// transferSize is the size of a file that is interrupted.
const transferSize = 1 << 20

// fileServerWith starts a file server with uploads whose directory has some files.
func fileServerWith(t *testing.T, names ...string) (directory, address string) {
	directory = t.TempDir()
	for _, name := range names {
		write(t, strings.Repeat("x", transferSize), directory, name)
	}
	j, address, stderr := launchServer(t, "serve", directory, "--uploads")
	go io.Copy(io.Discard, stderr)
	t.Cleanup(func() { j.Process.Kill(); j.Wait() })
	return directory, address
}

// stalling returns the address of a server that passes half a file from or to a
// client, and then nothing more. The channel is closed then.
func stalling(t *testing.T, server string, toClient bool) (address string, stalled <-chan struct{}) {
	l, address := listenTCP(t)
	passed := make(chan struct{})
	go func() {
		client, err := l.Accept()
		if err != nil {
			return
		}
		defer client.Close()
		conn, err := net.Dial("tcp", server)
		if err != nil {
			return
		}
		defer conn.Close()
		from, to := client, conn
		if toClient {
			from, to = conn, client
		}
		go io.Copy(from, to) // the other direction
		io.CopyN(to, from, transferSize/2)
		close(passed)
		io.Copy(io.Discard, client) // until it closes the connection
	}()
	return address, passed
}

// gets starts a get that comes to half of the file. The part stays, and the same get
// resumes there.
func gets(t *testing.T) busy {
	_, server := fileServerWith(t, "a")
	address, stalled := stalling(t, server, true)
	local := t.TempDir()
	c := program(t, "get", "--tcp", address, "a")
	c.Dir = local
	j := launched(t, c)
	hosttest.Receive(t, stalled)
	hosttest.Eventually(t, "a part", func() bool { return partSize(filepath.Join(local, "a")) > 0 })
	return busy{j, nil, func() {
		wantFiles(t, local, "a.part")
		completes(t, 0, local, nil, "get", "a", "--tcp", server)
		wantFiles(t, local, "a")
	}}
}

// puts starts a put that comes to half of the file. The server keeps the part, and
// the same put resumes there.
func puts(t *testing.T) busy {
	directory, server := fileServerWith(t)
	address, stalled := stalling(t, server, false)
	local := t.TempDir()
	write(t, strings.Repeat("x", transferSize), local, "a")
	c := program(t, "put", "--tcp", address, "a")
	c.Dir = local
	j := launched(t, c)
	hosttest.Receive(t, stalled)
	return busy{j, nil, func() {
		wantFiles(t, local, "a")
		completes(t, 0, local, nil, "put", "a", "--tcp", server)
		wantFiles(t, directory, "a")
	}}
}

// ends waits for the end of the command, checks its exit status, and returns its last
// message.
func (b busy) ends(t *testing.T) string {
	t.Helper()
	var rest []byte
	if b.stderr != nil {
		rest, _ = io.ReadAll(b.stderr)
	}
	b.job.ends(t, statusSignal+int(syscall.SIGINT))
	lines := strings.Split(strings.TrimSpace(string(rest)+b.errors.String()), "\n")
	return lines[len(lines)-1]
}

// Ctrl-C ends every command orderly. If it is pressed again, the command ends at
// once, whatever it does.
func TestInterruptionLeavesNothing(t *testing.T) {
	for name, start := range busyCommands {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := start(t)
			b.Process.Signal(os.Interrupt)
			if last := b.ends(t); last != "rfcommctl: interrupted" {
				t.Errorf("the last message is %q", last)
			}
			b.left()
			b = start(t)
			stop := b.interruptRepeatedly()
			b.ends(t)
			stop()
		})
	}
}

// interruptRepeatedly presses Ctrl-C until stop is called.
func (b busy) interruptRepeatedly() (stop func()) {
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		ticker := time.NewTicker(2 * sameSignal)
		defer ticker.Stop()
		for {
			b.Process.Signal(os.Interrupt)
			select {
			case <-ticker.C:
			case <-end:
				return
			}
		}
	}()
	return func() { close(end); <-ended }
}

// The first Ctrl-C lets serve finish a transfer, the second one ends it at once.
func TestServeEndsAtSecondInterrupt(t *testing.T) {
	directory := t.TempDir()
	write(t, strings.Repeat("x", 64<<20), directory, "a") // more than sockets buffer
	j, server, stderr := launchServer(t, "serve", directory, "-v")
	address, stalled := stalling(t, server, true)
	client := launch(t, "get", "--tcp", address, "a", "-o", "-")
	hosttest.Receive(t, stalled)
	j.Process.Signal(os.Interrupt)
	var text bytes.Buffer
	for !strings.Contains(text.String(), "Ending after the current transfer") {
		line, err := stderr.ReadString('\n')
		if err != nil {
			t.Fatal(text.String(), err)
		}
		text.WriteString(line)
	}
	b := busy{job: j, stderr: stderr}
	stop := b.interruptRepeatedly()
	b.ends(t)
	stop()
	wantFree(t, server)
	client.Process.Kill()
	client.Wait()
}
