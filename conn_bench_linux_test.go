package rfcomm

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

// The benchmarks compare a Conn with a net.UnixConn, each on one end of a pair
// of Unix sockets, so that only the packages differ, not the kernel.
//
// The two take turns in slices of a few operations, and the result is the
// median slice, so that other load on the machine has little effect, and the
// same on both. Only the slices are timed, not their preparation and cleanup.
// "x-unix" is the time of the Conn as a multiple of that of the UnixConn.

// A load is a number of operations of one size that fit into the socket's
// buffer at once.
type load struct{ size, operations int }

var loads = []load{{64, 128}, {1012, 64}, {4096, 32}, {32 << 10, 8}}

func BenchmarkRead(b *testing.B)              { benchmark(b, time.Time{}, readSlice) }
func BenchmarkReadWithDeadline(b *testing.B)  { benchmark(b, time.Now().Add(time.Hour), readSlice) }
func BenchmarkWrite(b *testing.B)             { benchmark(b, time.Time{}, writeSlice) }
func BenchmarkWriteWithDeadline(b *testing.B) { benchmark(b, time.Now().Add(time.Hour), writeSlice) }

// BenchmarkPingPong measures round trips between two ends of the same kind.
func BenchmarkPingPong(b *testing.B) { benchmark(b, time.Time{}, pingPongSlice) }

// readSlice reads buffered data, one message at a time.
func readSlice(b *testing.B, c *contender, l load) time.Duration {
	for range l.operations {
		if n, err := unix.Write(c.peer, c.buf[:l.size]); n != l.size {
			b.Fatalf("filling the socket: %d bytes, %v", n, err)
		}
	}
	start := time.Now()
	for range l.operations {
		if _, err := c.conn.Read(c.buf[:l.size]); err != nil {
			b.Fatal(err)
		}
	}
	return time.Since(start)
}

// writeSlice writes into a buffer with enough room.
func writeSlice(b *testing.B, c *contender, l load) time.Duration {
	start := time.Now()
	for range l.operations {
		if _, err := c.conn.Write(c.buf[:l.size]); err != nil {
			b.Fatal(err)
		}
	}
	spent := time.Since(start)
	for left := l.size * l.operations; left > 0; {
		n, err := unix.Read(c.peer, c.buf)
		if n <= 0 {
			b.Fatalf("draining the socket: %d bytes, %v", n, err)
		}
		left -= n
	}
	return spent
}

func pingPongSlice(b *testing.B, c *contender, l load) time.Duration {
	c.startEcho(b)
	start := time.Now()
	for range l.operations {
		if _, err := c.conn.Write(c.buf[:l.size]); err != nil {
			b.Fatal(err)
		}
		if _, err := io.ReadFull(c.conn, c.buf[:l.size]); err != nil {
			b.Fatal(err)
		}
	}
	return time.Since(start)
}

// benchmark runs slices of each load on both kinds of connection in turn, and
// reports each kind as a separate benchmark. slice returns the duration of its
// operations.
func benchmark(b *testing.B, deadline time.Time, slice func(*testing.B, *contender, load) time.Duration) {
	for _, reported := range []string{"rfcomm", "unix"} {
		for _, l := range loads {
			b.Run(fmt.Sprintf("conn=%s/size=%d", reported, l.size), func(b *testing.B) {
				contenders := map[string]*contender{
					"rfcomm": newContender(b, rfcommConn),
					"unix":   newContender(b, unixConn),
				}
				turns := (b.N + l.operations - 1) / l.operations
				for _, c := range contenders {
					if err := c.conn.SetDeadline(deadline); err != nil {
						b.Fatal(err)
					}
					slice(b, c, l) // to warm up
					c.spent = make([]time.Duration, 0, turns)
				}
				b.ReportAllocs()
				b.ResetTimer()
				order := []*contender{contenders["rfcomm"], contenders["unix"]}
				for range turns {
					for _, c := range order {
						c.spent = append(c.spent, slice(b, c, l))
					}
					slices.Reverse(order)
				}
				b.StopTimer()

				perOperation := contenders[reported].median() / float64(l.operations)
				b.ReportMetric(perOperation, "ns/op")
				b.ReportMetric(float64(l.size)*1e3/perOperation, "MB/s")
				if reported == "rfcomm" {
					b.ReportMetric(contenders["rfcomm"].median()/contenders["unix"].median(), "x-unix")
				}
			})
		}
	}
}

// A contender is one end of a pair of sockets and the descriptor of the other.
type contender struct {
	conn  net.Conn
	peer  int
	buf   []byte
	spent []time.Duration // in each slice

	newConn func(testing.TB, int) net.Conn
	echoing bool
}

func newContender(b *testing.B, newConn func(testing.TB, int) net.Conn) *contender {
	near, far := hosttest.UnixPair(b)
	for _, fd := range []int{near, far} {
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUF, 1<<20); err != nil {
			b.Fatal(err)
		}
	}
	c := &contender{conn: newConn(b, near), peer: far, buf: make([]byte, 32<<10), newConn: newConn}
	b.Cleanup(func() {
		c.conn.Close()
		if !c.echoing {
			unix.Close(c.peer)
		}
	})
	return c
}

// startEcho makes the other end a connection of the same kind that echoes
// received data.
func (c *contender) startEcho(b *testing.B) {
	if c.echoing {
		return
	}
	c.echoing = true
	far := c.newConn(b, c.peer)
	go func() {
		defer far.Close()
		buf := make([]byte, len(c.buf))
		for {
			n, err := far.Read(buf)
			if err != nil {
				return
			}
			if _, err := far.Write(buf[:n]); err != nil {
				return
			}
		}
	}()
}

// median returns the median time of a slice, in nanoseconds.
func (c *contender) median() float64 {
	slices.Sort(c.spent)
	return float64(c.spent[len(c.spent)/2])
}

// rfcommConn returns a Conn for the connected socket fd.
func rfcommConn(t testing.TB, fd int) net.Conn { return connOf(t, fd, nearAddr, farAddr) }

// unixConn returns a net.UnixConn for the connected socket fd.
func unixConn(t testing.TB, fd int) net.Conn {
	f := os.NewFile(uintptr(fd), "")
	defer f.Close()
	c, err := net.FileConn(f)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// slowMessage and slowPause are those of a radio: a full 3-DH5 packet every 6
// slots.
const (
	slowMessage = 1012
	slowPause   = 3750 * time.Microsecond
)

// slowWriter marks a process that writes slowly to a descriptor inherited from
// its parent, until the other end is closed.
const slowWriter = "RFCOMM_TEST_SLOW_WRITER"

// BenchmarkSlowStream measures the CPU time of a process that reads messages at
// the rate of a radio. Another process writes them.
func BenchmarkSlowStream(b *testing.B) {
	if os.Getenv(slowWriter) != "" {
		writeSlowly()
		return
	}
	b.Run(fmt.Sprintf("size=%d", slowMessage), func(b *testing.B) {
		var perRead [2]float64
		for i, newConn := range []func(testing.TB, int) net.Conn{rfcommConn, unixConn} {
			near, far := hosttest.UnixPair(b)
			c := newConn(b, near)
			startSlowWriter(b, far)
			perRead[i] = readSlowly(b, c)
			c.Close()
		}
		b.ReportMetric(perRead[0], "cpu-ns/op")
		b.ReportMetric(perRead[0]/perRead[1], "x-unix-cpu")
	})
}

// startSlowWriter starts a process that writes slowly to a descriptor.
func startSlowWriter(b *testing.B, fd int) {
	b.Helper()
	if err := unix.SetNonblock(fd, false); err != nil {
		b.Fatal(err)
	}
	end := os.NewFile(uintptr(fd), "")
	defer end.Close()
	writer := exec.Command("/proc/self/exe", "-test.run=^$", "-test.bench=^BenchmarkSlowStream$", "-test.benchtime=1x")
	writer.Env = append(os.Environ(), slowWriter+"=1")
	writer.ExtraFiles = []*os.File{end}
	if err := writer.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { writer.Wait() })
}

func writeSlowly() {
	const fromParent = 3
	data := make([]byte, slowMessage)
	for next := time.Now(); ; next = next.Add(slowPause) {
		time.Sleep(time.Until(next))
		if _, err := unix.SendmsgN(fromParent, data, nil, nil, unix.MSG_NOSIGNAL); err != nil {
			return
		}
	}
}

// readSlowly returns the CPU time of this process for each of b.N messages.
func readSlowly(b *testing.B, c net.Conn) float64 {
	b.Helper()
	buf := make([]byte, 32<<10)
	var before time.Duration
	for i := -10; i < b.N; i++ { // the first 10 to warm up
		if i == 0 {
			before = hosttest.CPUTime(b)
		}
		if _, err := c.Read(buf); err != nil {
			b.Fatal(err)
		}
	}
	return float64(hosttest.CPUTime(b)-before) / float64(b.N)
}
