package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/go-rfcomm/rfcomm/cmd/rfcommctl/internal/speed"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
	"github.com/go-rfcomm/rfcomm/internal/test/labtest"
	"github.com/go-rfcomm/rfcomm/rfcommtest"
)

// onAir returns a radio of its own whose data takes air time, and its link.
func onAir(t *testing.T, types rfcommtest.PacketTypes) (*radio, *rfcommtest.Link) {
	t.Helper()
	r := overRFCOMM(t)
	air := rfcommtest.Require(t, rfcommtest.Config{})
	near, far := air.Controllers()[0], air.Controllers()[1]
	r.near, r.far = near.Addr(), far.Addr()
	link := air.Link(near, far)
	link.SimulateAirtime(types)
	return r, link
}

// servesSpeed starts a speed server of the far adapter.
func (r *radio) servesSpeed(t *testing.T, arguments ...string) *background {
	t.Helper()
	return r.starts(t, "listening on channel", append([]string{"speed", "--serve", "-i", r.far.String(), "-v"}, arguments...)...)
}

// summaryOf returns the last object of the output.
func summaryOf(t *testing.T, stdout string) (s summaryJSON) {
	t.Helper()
	lines := strings.Split(trimLines(stdout), "\n")
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &s); err != nil || s.Type != "summary" {
		t.Fatalf("%v: %s", err, stdout)
	}
	return s
}

// The figures do not exceed the ceiling, and the data takes at most twice the slots
// that the ceiling needs. The slots do not depend on how busy the machine is.
func TestRFCOMMSpeedMeasuresAir(t *testing.T) {
	r, link := onAir(t, rfcommtest.EDR3)
	link.SetRSSI(-70)
	link.SetLinkQuality(200)
	server := r.servesSpeed(t)
	before := link.Airtime()
	stdout, _ := r.runs(t, 0, "", "speed", r.far.String(), "-i", r.near.String(), "-t", "3s", "--json")
	took := link.Airtime().Duration() - before.Duration()
	s := summaryOf(t, stdout)
	if s.Ceiling == nil || s.Ceiling.Packets != "3-DH5" || s.Ceiling.Assumed || s.Send == nil || s.Receive == nil || s.Both == nil {
		t.Fatalf("the summary is %+v", s)
	}
	for name, share := range map[string]*float64{"send": s.Send.Share, "receive": s.Receive.Share, "both": s.Both.Share} {
		if share == nil || *share > 1.02 {
			t.Errorf("%s: the share of the ceiling is %v", name, share)
		} else {
			t.Logf("%s: %.3f of the ceiling by time", name, *share)
		}
	}
	all := speed.Count{Bytes: s.Send.Bytes + s.Receive.Bytes + s.Both.Send.Bytes + s.Both.Receive.Bytes, Elapsed: took}
	share := all.Rate() / 1e3 / s.Ceiling.OneWay
	t.Logf("all: %.3f of the ceiling by slots", share)
	if share < 0.5 || share > 1.22 { // both ways at once carry up to 1.2 times as much
		t.Errorf("%d bytes took %v on the air", all.Bytes, took)
	}
	if s.RSSI == nil || *s.RSSI != (rangeJSON{-10, -10}) || s.Quality == nil || *s.Quality != (rangeJSON{200, 200}) {
		t.Errorf("the signal is %v, %v", s.RSSI, s.Quality)
	}
	if s.RoundTrip == nil || s.RoundTrip.Count < 10 || s.RoundTrip.Min <= 0 {
		t.Errorf("the round trips are %+v", s.RoundTrip)
	}
	server.awaits(t, ": received ")
	server.ends(t, os.Interrupt, 130)
}

// With --keep, a lost link is followed by another connection.
func TestRFCOMMSpeedKeepReconnects(t *testing.T) {
	r, link := onAir(t, rfcommtest.DH1)
	server := r.servesSpeed(t)
	client := r.starts(t, ", receive ", "speed", r.far.String(), "-i", r.near.String(), "-t", "0", "--keep", "-v", "--json", "--interval", "200ms")
	if !link.Disconnect(rfcommtest.RemoteUserTerminated) {
		t.Error("there was no link")
	}
	client.awaits(t, "the connection is lost")
	client.awaits(t, "connected again")
	client.awaits(t, ", receive ")
	client.ends(t, os.Interrupt, 130)
	if s := summaryOf(t, client.stdout.String()); s.Losses != 1 || s.Both == nil || s.Both.Send.Bytes+s.Both.Receive.Bytes == 0 {
		t.Errorf("the summary is %+v", s)
	}
	wantParts(t, client.stdout.String(), `{"type":"lost"`, `{"type":"connected"`)
	server.ends(t, os.Interrupt, 130)
}

func TestRFCOMMSpeedNamesRemedy(t *testing.T) {
	r := overRFCOMM(t)
	_, stderr := r.runs(t, statusNotFound, "", "speed", fmt.Sprintf("%s/%d", r.far, labtest.NextChannel()))
	wantError(t, stderr, "connection refused", `run "rfcommctl speed --serve" on the other machine`)
	l, channel := r.listen(t)
	target := fmt.Sprintf("%s/%d", r.far, channel)
	gps := hosttest.InBackground(func() string {
		conn, err := l.Accept()
		if err != nil {
			return err.Error()
		}
		defer conn.Close()
		io.WriteString(conn, "$GPGGA,123519")
		received, _ := io.ReadAll(conn)
		return string(received)
	})
	_, stderr = r.runs(t, statusNotFound, "", "speed", target)
	wantError(t, stderr, fmt.Sprintf("[%s]:%d", r.far, channel), "not a speed server: it sends something else", `run "rfcommctl speed --serve" there`, "--echo")
	if received := hosttest.Receive(t, gps); received != "" {
		t.Errorf("the device received %q", received)
	}
}

func TestRFCOMMSpeedMeasuresEcho(t *testing.T) {
	r := overRFCOMM(t)
	l, channel := r.listen(t)
	echo := hosttest.InBackground(func() error {
		conn, err := l.Accept()
		if err != nil {
			return err
		}
		defer conn.Close()
		_, err = io.Copy(conn, conn)
		return err
	})
	stdout, _ := r.runs(t, 0, "", "speed", fmt.Sprintf("%s/%d", r.far, channel), "--echo", "-t", "1s", "--json")
	if s := summaryOf(t, stdout); s.Echo == nil || s.Echo.Bytes == 0 || !s.Ceiling.Assumed || s.RoundTrip.Count < 10 {
		t.Errorf("the summary is %+v", s)
	}
	if err := hosttest.Receive(t, echo); err != nil {
		t.Error(err)
	}
}

// testSpeedPublish finds a speed server by its service record.
func testSpeedPublish(t *testing.T, r *radio) {
	server := r.starts(t, "listening on channel 21, published as \"Speed\"", "speed", "--serve", "--publish", "Speed")
	for _, target := range []string{r.far.String() + "/" + speedService.String(), r.far.String()} {
		stdout, _ := r.runs(t, 0, "", "speed", target, "-i", r.near.String(), "-t", "1s", "--direction", "send")
		wantParts(t, stdout, "round trip  min ", "send        ", "kbit/s")
	}
	server.ends(t, os.Interrupt, 130)
}
