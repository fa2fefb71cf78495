package speed

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"math"
	"net"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A slow connection sends at a rate, in bytes per second.
type slow struct {
	net.Conn
	rate int
}

func (s slow) Write(b []byte) (n int, err error) {
	for len(b) > 0 && err == nil {
		piece := b[:min(len(b), 500)]
		time.Sleep(time.Duration(len(piece)) * time.Second / time.Duration(s.rate))
		var m int
		m, err = s.Conn.Write(piece)
		n, b = n+m, b[m:]
	}
	return n, err
}

// connected returns a client, and a function that closes it and returns what its
// server returned.
func connected(t *testing.T, up, down int) (*Client, func() (Totals, error)) {
	t.Helper()
	near, far := net.Pipe()
	type served struct {
		Totals
		error
	}
	ended := make(chan served, 1)
	go func() {
		totals, err := Serve(t.Context(), slow{far, down}, 679)
		ended <- served{totals, err}
	}()
	c, err := NewClient(t.Context(), slow{near, up}, 1021)
	if err != nil {
		t.Fatal(err)
	}
	return c, func() (Totals, error) {
		c.Close()
		s := <-ended
		return s.Totals, s.error
	}
}

// about reports whether a rate in bytes per second is about a count's.
func about(c Count, rate float64) bool { return math.Abs(c.Rate()/8-rate) < rate/20 }

func TestRunMeasuresDirections(t *testing.T) {
	for name, tt := range map[string]struct {
		send, receive bool
	}{"send": {true, false}, "receive": {false, true}, "both": {true, true}} {
		synctest.Test(t, func(t *testing.T) {
			c, end := connected(t, 100_000, 50_000)
			reports := 0
			var last Totals
			got, err := c.Run(Test{Send: tt.send, Receive: tt.receive, Duration: 10 * time.Second, Interval: time.Second, Report: func(now Totals) {
				reports++
				if d := now.Send.Sub(last.Send); tt.send && reports > 2 && !about(d, 100_000) {
					t.Errorf("%s: report %d: sent %.0f B/s", name, reports, d.Rate()/8)
				}
				if d := now.Receive.Sub(last.Receive); tt.receive && reports > 2 && !about(d, 50_000) {
					t.Errorf("%s: report %d: received %.0f B/s", name, reports, d.Rate()/8)
				}
				last = now
			}})
			if err != nil || tt.send != about(got.Send, 100_000) || tt.receive != about(got.Receive, 50_000) {
				t.Errorf("%s: %+v, %v", name, got, err)
			}
			if reports < 9 || reports > 11 {
				t.Errorf("%s: %d reports", name, reports)
			}
			if _, err := c.Ping(); err != nil {
				t.Errorf("%s: after the test: %v", name, err)
			}
			served, err := end()
			if err != nil || served.Receive.Bytes != got.Send.Bytes || served.Send.Bytes > got.Receive.Bytes {
				t.Errorf("%s: the server counted %+v, %v, and the client %+v", name, served, err, got)
			}
		})
	}
}

func TestPingMeasuresRoundTrip(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, end := connected(t, 1000, 500)
		took, err := c.Ping()
		if want := 33 * time.Millisecond; took != want || err != nil {
			t.Errorf("%v, %v; want %v", took, err, want)
		}
		if c.Packet() != 679 {
			t.Errorf("the server has packets of %d bytes", c.Packet())
		}
		if _, err := end(); err != nil {
			t.Error(err)
		}
	})
}

func TestRunEndsWithContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		go Serve(t.Context(), far, 0)
		ctx, cancel := context.WithCancelCause(t.Context())
		c, err := NewClient(ctx, slow{near, 1000}, 0)
		if err != nil {
			t.Fatal(err)
		}
		interrupted := errors.New("interrupted")
		time.AfterFunc(100*time.Second, func() { cancel(interrupted) })
		got, err := c.Run(Test{Send: true, Interval: time.Second, Report: func(Totals) {}})
		if err != interrupted || got.Send.Bytes < 90_000 {
			t.Errorf("%+v, %v", got, err)
		}
	})
}

// getReady is the beginning of a server until it is ready for a test. It calls
// requested between the request of the test and its answer.
func getReady(conn net.Conn, requested func(io.Reader)) {
	r := bufio.NewReader(conn)
	io.WriteString(conn, Greeting{version, 0}.text())
	readGreeting(r)
	readMessage(r)
	requested(r)
	conn.Write(appendMessage(kindReady, nil))
}

// A peer that is silent, and one that does not read, end a test.
func TestRunEndsBySilence(t *testing.T) {
	for _, tt := range []Test{{Send: true}, {Receive: true}, {Send: true, Receive: true}} {
		synctest.Test(t, func(t *testing.T) {
			near, far := net.Pipe()
			go getReady(far, func(io.Reader) {})
			c, err := NewClient(t.Context(), near, 0)
			if err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			tt.Duration, tt.Interval, tt.Report = time.Minute, time.Second, func(Totals) {}
			_, err = c.Run(tt)
			if !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(began) != Silence {
				t.Errorf("%v after %v", err, time.Since(began))
			}
		})
	}
}

// A server that never ends a test does not keep the client.
func TestRunEndsWithEndlessServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		go func() {
			getReady(far, func(r io.Reader) { go io.Copy(io.Discard, r) })
			for err := error(nil); err == nil; time.Sleep(time.Second) {
				_, err = far.Write([]byte{byte(kindData), 0, 1, 'a'})
			}
		}()
		c, err := NewClient(t.Context(), near, 0)
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		got, err := c.Run(Test{Receive: true, Duration: time.Second, Interval: time.Second, Report: func(Totals) {}})
		if err != errEndless || time.Since(began) != endTime+time.Second || got.Receive.Bytes < 50 {
			t.Errorf("%+v, %v after %v", got, err, time.Since(began))
		}
		time.Sleep(2 * time.Second) // until the server has noticed
	})
}

func TestServeEndsBySilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		defer near.Close()
		began := time.Now()
		go io.Copy(io.Discard, near)
		if _, err := Serve(t.Context(), far, 0); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(began) != Silence {
			t.Errorf("%v after %v", err, time.Since(began))
		}
	})
}

func TestNewClientNamesOtherServices(t *testing.T) {
	for name, tt := range map[string]struct {
		sends string
		ends  bool
		want  error
		text  string
	}{
		"an echo service":   {"", false, ErrNoServer, "sent nothing for 10s"},
		"a serial device":   {"$GPGGA,1", false, ErrNoServer, "something else"},
		"a closing device":  {"", true, ErrNoServer, "closed the connection"},
		"a long line":       {greetingWord + strings.Repeat("1", 100), false, ErrNoServer, "something else"},
		"a later version":   {greetingWord + "2 new words\n", false, nil, "version 2"},
		"packets too large": {greetingWord + "1 1022\n", false, ErrNoServer, "something else"},
	} {
		synctest.Test(t, func(t *testing.T) {
			near, far := net.Pipe()
			received := make(chan string, 1)
			go func() {
				go io.WriteString(far, tt.sends)
				if tt.ends {
					far.Close()
				}
				data, _ := io.ReadAll(far)
				received <- string(data)
			}()
			_, err := NewClient(t.Context(), near, 0)
			if err == nil || tt.want != nil && !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("%s: %v, want %q", name, err, tt.text)
			}
			if data := <-received; data != "" {
				t.Errorf("%s: received %q", name, data)
			}
		})
	}
}

func TestServeRefusesInvalidMessages(t *testing.T) {
	hello := Greeting{version, 0}.text()
	run := string(appendMessage(kindRun, plan{true, false, time.Second}.content()))
	for name, sent := range map[string]string{
		"no greeting":            "GET / HTTP/1.0\r\n\r\n",
		"an unknown kind":        hello + "\x08\x00\x00",
		"a wrong length":         hello + "\x06\x00\x09123456789",
		"data outside of a test": hello + "\x03\x00\x011",
		"no direction":           hello + "\x01\x00\x05\x00\x00\x00\x03\xe8",
		"too many counts":        hello + "\x01\x00\x05\x01\x00\x00\x00\x01",
		"a ping during a test":   hello + run + string(appendMessage(kindPing, make([]byte, 8))),
		"a hostile count":        hello + run + string(appendMessage(kindEnd, bytes.Repeat([]byte{0xff}, 16))),
		"half a message":         hello + run + "\x03\x01\x00half",
	} {
		near, far := net.Pipe()
		go io.Copy(io.Discard, near)
		go func() {
			io.WriteString(near, sent)
			near.Close()
		}()
		if _, err := Serve(t.Context(), far, 0); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestEchoClientMeasures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		go io.Copy(far, far)
		c := NewEchoClient(t.Context(), slow{near, 10_000})
		defer c.Close()
		if took, err := c.Ping(); took != 1600*time.Microsecond || err != nil {
			t.Errorf("the round trip is %v, %v", took, err)
		}
		reports := 0
		got, err := c.Run(Test{Duration: 5 * time.Second, Interval: time.Second, Report: func(Totals) { reports++ }})
		if err != nil || !about(got.Receive, 10_000) || got.Send != got.Receive || reports < 5 {
			t.Errorf("%+v, %v, %d reports", got, err, reports)
		}
		if _, err := c.Ping(); err != nil {
			t.Errorf("after the test: %v", err)
		}
	})
}

func TestEchoClientNamesOtherServices(t *testing.T) {
	for _, sends := range []string{"", strings.Repeat("$GPGGA", 10)} {
		synctest.Test(t, func(t *testing.T) {
			near, far := net.Pipe()
			go io.Copy(io.Discard, far)
			go io.WriteString(far, sends)
			c := NewEchoClient(t.Context(), near)
			defer c.Close()
			if _, err := c.Ping(); !errors.Is(err, ErrNoEcho) {
				t.Errorf("%q: %v", sends, err)
			}
		})
	}
}

func TestNextLengthFollowsRate(t *testing.T) {
	for rate, want := range map[int]int{13_000: 1000, 90_000: 8000, 270_000: 32_000, 1e9: 32_000, 100: 1000} {
		length := minData
		for range 20 {
			length = nextLength(length, time.Duration(length)*time.Second/time.Duration(rate))
		}
		if length != want {
			t.Errorf("%d B/s: %d bytes, want %d", rate, length, want)
		}
	}
}

func TestCeilingOfPackets(t *testing.T) {
	for _, tt := range []struct {
		near, far    int
		name         string
		oneWay, both float64
	}{
		{1021, 1021, "3-DH5", 2178.1, 2613.8},
		{1021, 679, "2-DH5", 1448.5, 1738.2},
		{339, 0, "DH5", 723.2, 867.8},
	} {
		c, ok := CeilingOf(tt.near, tt.far)
		if !ok || c.Packets != tt.name || math.Abs(c.OneWay/1e3-tt.oneWay) > 0.1 || math.Abs(c.Both/1e3-tt.both) > 0.1 {
			t.Errorf("%d and %d: %+v, %v", tt.near, tt.far, c, ok)
		}
	}
	if c, ok := CeilingOf(0, 0); ok {
		t.Errorf("unknown packets: %+v", c)
	}
}

// Hostile bytes end in an error or a message whose content is bounded.
func FuzzReadMessage(f *testing.F) {
	f.Add([]byte(Greeting{version, 1021}.text() + "\x01\x00\x05\x03\x00\x00\x03\xe8\x02\x00\x00"))
	f.Add(append([]byte(Greeting{version, 0}.text()), appendMessage(kindEnd, Count{1, 2}.content())...))
	f.Add([]byte(greetingWord + "2 1\n"))
	f.Fuzz(func(t *testing.T, input []byte) {
		r := bufio.NewReader(bytes.NewReader(input))
		g, err := readGreeting(r)
		if err != nil {
			return
		}
		if g.version != version || g.Packet < 0 || g.Packet > maxPacket {
			t.Fatalf("the greeting %+v", g)
		}
		for {
			m, err := readMessage(r)
			if err != nil {
				return
			}
			switch m.kind {
			case kindData:
				if m.data > math.MaxUint16 {
					t.Fatalf("%d bytes of data", m.data)
				}
				io.CopyN(io.Discard, r, int64(m.data))
			case kindRun:
				if p, err := parsePlan(m.content); err == nil && !bytes.Equal(p.content(), m.content) {
					t.Fatalf("the plan %+v of % x", p, m.content)
				}
			case kindCount, kindEnd:
				if c, err := parseCount(m.content); err == nil && (c.Bytes < 0 || c.Elapsed < 0 || !bytes.Equal(c.content(), m.content)) {
					t.Fatalf("the count %+v of % x", c, m.content)
				}
			}
		}
	})
}
