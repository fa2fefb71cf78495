package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/test/daemons"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
	"github.com/go-rfcomm/rfcomm/internal/test/labtest"
	"github.com/go-rfcomm/rfcomm/sdp"
)

// A background is the program in the background.
type background struct {
	*exec.Cmd
	errors *bufio.Reader // standard error
	stdout strings.Builder
}

// starts starts the program and waits for a line on standard error that has a
// text.
func (r *radio) starts(t *testing.T, text string, arguments ...string) *background {
	t.Helper()
	return startBackground(t, text, r.program(t, arguments...))
}

// startBackground starts a command and waits for a line on standard error that
// has a text.
func startBackground(t *testing.T, text string, c *exec.Cmd) *background {
	t.Helper()
	b := &background{Cmd: c}
	if b.Stdout == nil {
		b.Stdout = &b.stdout
	}
	stderr, err := b.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Start(); err != nil {
		t.Fatal(err)
	}
	b.errors = bufio.NewReader(stderr)
	b.awaits(t, text)
	return b
}

// awaits waits for a line on standard error that has a text.
func (b *background) awaits(t *testing.T, text string) {
	t.Helper()
	awaitLine(t, b.errors, text)
}

// awaitLine waits for a line that has a text.
func awaitLine(t *testing.T, lines *bufio.Reader, text string) {
	t.Helper()
	for {
		line, err := lines.ReadString('\n')
		if strings.Contains(line, text) {
			return
		}
		if err != nil {
			t.Fatalf("no %q: %q, %v", text, line, err)
		}
		t.Logf("%s", line)
	}
}

// ends sends a signal, unless it is nil, and checks the exit status.
func (b *background) ends(t *testing.T, signal os.Signal, status int) {
	t.Helper()
	if signal != nil {
		b.Process.Signal(signal)
	}
	rest, _ := io.ReadAll(b.errors)
	if got := exitStatus(t, b.Wait()); got != status {
		t.Errorf("%q: status %d, want %d", b.Args[1:], got, status)
	}
	t.Logf("%s", rest)
}

// dials connects from the far adapter to a channel of the near one.
func (r *radio) dials(t *testing.T, channel int) *rfcomm.Conn {
	t.Helper()
	d := rfcomm.Dialer{LocalAddr: rfcomm.Addr{Device: r.far}}
	conn, err := d.DialRFCOMM(t.Context(), rfcomm.Addr{Device: r.near, Channel: channel})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// exchange sends a line and checks the answer, up to the end of the connection.
func exchange(t *testing.T, conn io.ReadWriter, question, want string) {
	t.Helper()
	fmt.Fprintln(conn, question)
	if answer, err := io.ReadAll(conn); err != nil || string(answer) != want {
		t.Errorf("received %q, %v, want %q", answer, err, want)
	}
}

func TestRFCOMMListen(t *testing.T) {
	r := overRFCOMM(t)
	channel := labtest.NextChannel()
	l := r.starts(t, fmt.Sprintf("listening on channel %d of %s", channel, r.near), "listen", "-i", r.near.String(), "--channel", fmt.Sprint(channel))
	conn := r.dials(t, channel)
	fmt.Fprint(conn, "question")
	if err := conn.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if l.ends(t, nil, 0); l.stdout.String() != "question" {
		t.Errorf("it printed %q", &l.stdout)
	}
	_, stderr := r.runs(t, statusBusy, "", "listen", "-t", "1ms")
	wantParts(t, stderr, "listening on channel ", "no device connected for 1ms")
}

// With --keep and --exec, each device has a command of its own.
func TestRFCOMMListenKeep(t *testing.T) {
	r := overRFCOMM(t)
	channel := labtest.NextChannel()
	l := r.starts(t, "listening", "listen", "--channel", fmt.Sprint(channel), "--keep", "--security", "low", "--exec", `read word; echo "$word $word"`)
	for _, word := range []string{"first", "second"} {
		exchange(t, r.dials(t, channel), word, word+" "+word+"\n")
	}
	_, stderr := r.runs(t, statusBusy, "", "listen", "--channel", fmt.Sprint(channel))
	wantError(t, stderr, "address already in use")
	l.ends(t, os.Interrupt, 130)
	listener, err := new(rfcomm.ListenConfig).ListenRFCOMM(t.Context(), rfcomm.Addr{Channel: channel})
	if err != nil {
		t.Fatal("the channel is not free: ", err)
	}
	listener.Close()
}

// testListenPublish finds a published service from the far adapter, also after a
// restart of bluetoothd.
func testListenPublish(t *testing.T, r *radio, d *daemons.Daemon) {
	find := func() (channels []int) {
		d := &sdp.Dialer{RFCOMM: rfcomm.Dialer{LocalAddr: rfcomm.Addr{Device: r.far}}}
		records, err := d.Search(t.Context(), r.near, sdp.SerialPort)
		if err != nil {
			t.Fatal(err)
		}
		for _, record := range records {
			channel, _ := record.Channel()
			if channels = append(channels, channel); record.Name() != "Clock" {
				t.Errorf("found %s", record)
			}
		}
		return channels
	}
	l := r.starts(t, `published as "Clock"`, "listen", "--publish", "Clock", "--keep", "--exec", "echo noon", "--security", "low")
	for _, restart := range []bool{false, !testing.Short()} {
		if restart {
			d.Restart()
			l.awaits(t, "devices cannot find the service: ")
			l.awaits(t, "the service is published again")
		}
		var channels []int
		hosttest.Eventually(t, "one record", func() bool { // the check of a returned adapter has a second one for a moment
			channels = find()
			return len(channels) == 1
		})
		exchange(t, r.dials(t, channels[0]), "", "noon\n")
	}
	if l.ends(t, os.Interrupt, 130); len(find()) > 0 {
		t.Errorf("the record is still there")
	}
}

// testListenExec refuses the command to a device that is not paired, although
// its link is encrypted: no agent asks anyone.
func testListenExec(t *testing.T, r *radio) {
	channel := labtest.NextChannel()
	l := r.starts(t, "listening", "listen", "-i", r.near.String(), "--channel", fmt.Sprint(channel), "--exec", "echo secret")
	conn := r.dials(t, channel)
	l.awaits(t, r.far.String()+" is refused: it is not paired")
	if data, _ := io.ReadAll(conn); len(data) > 0 {
		t.Errorf("received %q", data)
	}
	l.ends(t, os.Interrupt, 130)
}

func TestRFCOMMPublishNeedsBluetoothd(t *testing.T) {
	r := overRFCOMM(t)
	_, stderr := r.runs(t, statusOther, "", "listen", "--publish", "Clock")
	wantError(t, stderr, "no system bus")
	daemons.SystemBus(t)
	_, stderr = r.runs(t, statusOther, "", "listen", "--publish", "Clock")
	wantError(t, stderr, "bluetoothd is not running")
}
