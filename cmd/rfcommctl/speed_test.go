package main

import (
	"context"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/cmd/rfcommctl/internal/airlink"
	"github.com/go-rfcomm/rfcomm/cmd/rfcommctl/internal/speed"
)

func TestSpeedNamesWrongUsage(t *testing.T) {
	for line, parts := range map[string][]string{
		"speed":                               {"TARGET is missing", "--serve"},
		"speed --serve " + fileDevice:         {"--serve", fileDevice},
		"speed --tcp localhost:9 word":        {"--tcp", "word"},
		"speed a b":                           {"b"},
		"speed a -t -1s":                      {"--duration", "-1s", "0 for no limit"},
		"speed a --interval 50ms":             {"--interval", "50ms", "100ms", "1m0s"},
		"speed a --interval 2h":               {"--interval", "2h0m0s"},
		"speed a --direction up":              {"--direction", "up", "send, receive or both"},
		"speed a --echo --direction send":     {"--echo", "--direction"},
		"speed a --publish Speed":             {"--publish", "--serve"},
		"speed --serve --publish=":            {"--publish needs a name"},
		"speed --serve --publish S -i hci0":   {"--adapter", "--publish"},
		"speed --serve -t 3":                  {"--duration", "client"},
		"speed --serve --json":                {"--json", "client"},
		"speed --serve --keep":                {"--keep", "client"},
		"speed --serve --timeout 3s":          {"--timeout", "client"},
		"speed --tcp localhost:9 --channel 3": {"--channel", "--tcp"},
	} {
		f := newFake(t)
		_, stderr := f.runs(t, statusUsage, strings.Fields(line)...)
		wantError(t, stderr, parts...)
		if len(f.dialed)+len(f.servers) > 0 {
			t.Errorf("%s: dialed %v, listened %v", line, f.dialed, f.servers)
		}
	}
}

// Without a service, both ends use the same channel.
func TestSpeedHasDefaultChannel(t *testing.T) {
	f := newFake(t)
	f.err = opError(errBadKey)
	f.runs(t, statusPermission, "speed", printerAddr.String())
	f.runs(t, statusPermission, "speed", printerAddr.String(), "--channel", "3")
	f.runs(t, statusPermission, "speed", "--serve")
	f.runs(t, statusPermission, "speed", "--serve", "--publish", "Speed", "--channel", "4")
	if len(f.dialed) != 2 || f.dialed[0].service.channel != 21 || f.dialed[1].service.channel != 3 {
		t.Errorf("dialed %+v", f.dialed)
	}
	if len(f.servers) != 2 || f.servers[0].address.Channel != 21 || f.servers[1].address.Channel != 4 || f.servers[1].service != speedService || f.servers[1].name != "Speed" {
		t.Errorf("listened %+v", f.servers)
	}
}

// The device of the fake returns all data.
func TestSpeedMeasuresEcho(t *testing.T) {
	f := newFake(t)
	stdout, stderr := f.runs(t, 0, "speed", printerAddr.String()+"/7", "--echo", "-t", "300ms", "--interval", "100ms")
	wantParts(t, stdout, "round trip  min ", "\necho        ", " there and back\n")
	if stderr != "" {
		t.Errorf("it printed %q", stderr)
	}
	stdout, _ = f.runs(t, 0, "speed", printerAddr.String()+"/7", "--echo", "-t", "300ms", "--interval", "100ms", "--json")
	wantParts(t, stdout, `{"type":"connected","seconds":`, `,"peer":"pipe"}`, `{"type":"interval","seconds":`, `"test":"echo"`, `"echo":{"bytes":`)
}

// When the time of a test is over, so is the attempt to connect again, although the
// server is silent.
func TestSpeedReconnectEndsAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn, peer := net.Pipe()
		m := &measurement{
			t: newFake(t).tool, o: &speedOptions{interval: timeout{duration(time.Second)}}, ctx: t.Context(), began: time.Now(),
			dial: func(context.Context) (net.Conn, error) { return conn, nil },
		}
		if err := m.reconnect(speedTest{name: "send"}, 3500*time.Millisecond); err != nil || m.conn != nil || len(m.samples) != 3 {
			t.Errorf("reconnect returns %v, and there are %d intervals", err, len(m.samples))
		}
		_, err := peer.Read(make([]byte, 1))
		if took := time.Since(m.began); err != io.EOF || took != 3500*time.Millisecond {
			t.Errorf("the server reads %v after %v", err, took)
		}
	})
}

// measured is a measurement of 30 s of which 20 have passed, with a gap.
func measured(o *speedOptions) *measurement {
	o.interval = timeout{duration(time.Second)}
	m := &measurement{o: o}
	ceiling, _ := speed.CeilingOf(1021, 679)
	m.results.ceiling = &ceiling
	m.results.trips = []time.Duration{4 * time.Millisecond, 2 * time.Millisecond, 30 * time.Millisecond}
	for i := range 20 {
		s := speedSample{test: "both", at: time.Duration(i+1) * time.Second, signal: &airlink.Signal{RSSI: -i, Quality: 255 - i}}
		bytes := func(kbit int) *speed.Count { return &speed.Count{Bytes: int64(kbit * 125), Elapsed: time.Second} }
		s.send, s.receive = bytes(1440-60*i), bytes(60*i)
		if i >= 10 && i < 13 {
			s = speedSample{test: "both", at: s.at, gap: true}
		}
		m.samples = append(m.samples, s)
	}
	m.results.losses = 1
	return m
}

func TestSpeedPictureShowsGaps(t *testing.T) {
	m := measured(&speedOptions{duration: duration(30 * time.Second)})
	got := m.picture(blockGlyphs, func() (columns, rows int) { return 40, 24 })
	want := `
send  300 kbit/s
 1449│█▆▅▄▃▁
     │███████▇▅▄
     │██████████   ▇▅▄▃▁
    0│██████████xxx██████▇
receive  1140 kbit/s
 1449│                   ▁
     │             ▁▃▄▅▇██
     │       ▁▃▄   ███████
    0│_▁▃▄▅▇████xxx███████
20s of 30s  losses 1  RSSI -19 dB`
	if got := "\n" + strings.Join(got, "\n"); got != want {
		t.Errorf("got%s\nwant%s", got, want)
	}
	m = measured(&speedOptions{duration: duration(30 * time.Second), direction: "receive"})
	got = m.picture(asciiGlyphs, func() (columns, rows int) { return 80, 9 })
	want = `
receive  1140 kbit/s
 1449|
     |                                ..::::##
     |                          ::############
     |            ....::##      ##############
    0|__....::::##########xxxxxx##############
20s of 30s  losses 1  RSSI -19 dB  quality 236  round trip 4.00 ms`
	if got := "\n" + strings.Join(got, "\n"); got != want {
		t.Errorf("got%s\nwant%s", got, want)
	}
}

func TestSpeedPictureFits(t *testing.T) {
	for _, o := range []speedOptions{{}, {duration: duration(time.Hour)}, {duration: duration(time.Second)}, {echo: true}, {direction: "send"}} {
		m := measured(&o)
		for width := 1; width <= 120; width++ {
			for height := 1; height <= 30; height++ {
				lines := m.picture(asciiGlyphs, func() (columns, rows int) { return width, height })
				if n := len(lines); n > 11 || height > 7 && n >= height {
					t.Fatalf("%d lines in %d rows", n, height)
				}
				for _, line := range lines {
					if width > 10 && columns(line) >= width {
						t.Fatalf("%d columns: %q", width, line)
					}
				}
			}
		}
	}
}

// A slow rate differs from none.
func TestGraphShowsSmallRates(t *testing.T) {
	for value, want := range map[float64]string{0: "_", 1: "▁", noLink: "x", 1e6: "█", 2e6: "█"} {
		g := graph{top: 1e6, glyphs: blockGlyphs}
		if got := g.glyph(value, 0, 4); got != want {
			t.Errorf("%v is %q, want %q", value, got, want)
		}
	}
	g := graph{top: 1e6, glyphs: blockGlyphs}
	if got := g.glyph(noValue, 0, 4); got != " " {
		t.Errorf("without a value, it is %q", got)
	}
}

func TestTopOfIsRound(t *testing.T) {
	for _, tt := range []struct{ value, want float64 }{{0, 1e3}, {1.2e6, 2e6}, {2e6, 2e6}, {9.1e9, 1e10}} {
		if got := topOf([]float64{noValue, tt.value, noLink}, nil); got != tt.want {
			t.Errorf("above %v: %v, want %v", tt.value, got, tt.want)
		}
	}
}

func TestGlyphsForLocale(t *testing.T) {
	for name, tt := range map[string]struct {
		env  map[string]string
		want *glyphs
	}{
		"none":              {nil, asciiGlyphs},
		"UTF-8":             {map[string]string{"LANG": "de_DE.UTF-8"}, blockGlyphs},
		"utf8":              {map[string]string{"LC_CTYPE": "C.utf8", "LANG": "C"}, blockGlyphs},
		"Latin-1":           {map[string]string{"LANG": "de_DE.ISO-8859-1"}, asciiGlyphs},
		"C overrides UTF-8": {map[string]string{"LC_ALL": "C", "LANG": "de_DE.UTF-8"}, asciiGlyphs},
	} {
		if got := glyphsFor(func(name string) string { return tt.env[name] }); got != tt.want {
			t.Errorf("%s: %q", name, got.bars)
		}
	}
}

// The screen moves to the first of its lines. A terminal that became narrower has
// broken them.
func TestSpeedScreenRedraws(t *testing.T) {
	var b strings.Builder
	width := 20
	s := &speedScreen{w: &b, size: func() (columns, rows int) { return width, 24 }}
	wants := func(want string) {
		t.Helper()
		if b.String() != want {
			t.Errorf("it wrote %q, want %q", b.String(), want)
		}
		b.Reset()
	}
	s.draw([]string{"12345678901234", "2"})
	wants("\r\x1b[J12345678901234\n2\n")
	s.Write([]byte("message\n"))
	wants("\r\x1b[2A\x1b[Jmessage\n12345678901234\n2\n")
	width = 10
	s.draw([]string{"3"})
	wants("\r\x1b[3A\x1b[J3\n")
	s.finish()
	wants("\r\x1b[J")
	s.draw([]string{"4"})
	s.Write([]byte("after\n"))
	wants("after\n")
}

func TestSpeedShowsThatItConnects(t *testing.T) {
	t.Setenv("TERM", "xterm")
	f := newFake(t)
	f.chatty = true
	f.dial = func(context.Context, *rfcomm.Dialer, rfcomm.BDAddr, service) (net.Conn, error) {
		if got := f.stderr.String(); !strings.HasSuffix(got, "Connecting to "+printerAddr.String()+"/5\n") {
			t.Errorf("while it connects, it shows %q", got)
		}
		return nil, opError(syscall.EHOSTDOWN)
	}
	_, stderr := f.runs(t, statusNotFound, "speed", printerAddr.String()+"/5")
	if _, after, _ := strings.Cut(stderr, "/5\n"); !strings.HasPrefix(after, "\r\x1b[1A\x1b[J") {
		t.Errorf("the line is not removed: %q", stderr)
	}
}
