package rfcomm

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

// slowMessage and slowPause are those of a radio: a full packet of 3-DH5 each 6 slots.
const (
	slowMessage = 1012
	slowPause   = 3750 * time.Microsecond
)

// slowWriter marks a process that writes slowly, until nobody reads any more, to the
// descriptor that it has from its parent.
const slowWriter = "RFCOMM_TEST_SLOW_WRITER"

// BenchmarkSlowStream measures the CPU time of a process that reads messages as slowly
// as a radio brings them. Another process writes them.
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

// startSlowWriter hands a descriptor to a process that writes to it.
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
	for i := -10; i < b.N; i++ { // some to warm up
		if i == 0 {
			before = cpuTime(b)
		}
		if _, err := c.Read(buf); err != nil {
			b.Fatal(err)
		}
	}
	return float64(cpuTime(b)-before) / float64(b.N)
}

// cpuTime returns the CPU time that this process has used.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &t); err != nil {
		b.Fatal(err)
	}
	return time.Duration(t.Nano())
}
