package integration

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
	"github.com/go-rfcomm/rfcomm/internal/test/labtest"
)

// withMTU sets the MTU of new connections, in place of the kernel's own choice,
// until the test ends. Only root may set it.
func withMTU(t testing.TB, mtu int) {
	t.Helper()
	const parameter = "/sys/module/rfcomm/parameters/channel_mtu"
	if err := os.WriteFile(parameter, []byte(strconv.Itoa(mtu)), 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.WriteFile(parameter, []byte("-1"), 0) })
}

// Conn.Write computes the MTU from this property: a write(2) that exceeds
// the free send buffer takes only whole frames, regardless of the data
// already queued.
func TestWriteSyscallTakesWholeFrames(t *testing.T) {
	l := inLab(t)
	labtest.RequireRoot(t)
	for _, mtu := range []int{1016, 990, 672, 330, 127} {
		t.Run(fmt.Sprintf("mtu=%d", mtu), func(t *testing.T) {
			withMTU(t, mtu)
			dialed, accepted := l.connect(t)
			read := hosttest.InBackground(func() int64 {
				n, _ := io.Copy(io.Discard, accepted)
				return n
			})
			var counts []int
			total := 0
			data := make([]byte, 200_000)
			for range 20 {
				total += writeWhole(t, dialed, data[:mtu/2+1]) // a shorter frame
				n := writeOnce(t, dialed, data)
				counts = append(counts, n)
				total += n
				if n == 0 || n%mtu != 0 {
					t.Errorf("a write takes %d bytes, which is not a multiple of the MTU %d", n, mtu)
				}
				time.Sleep(time.Duration(len(counts)%4) * 5 * time.Millisecond)
			}
			t.Log(counts)
			// Conn.Write, which relies on such counts, loses no bytes.
			for _, size := range []int{1, 500, 1012, 5000, 40_000, 200_000} {
				n, err := dialed.Write(data[:size])
				if total += n; err != nil {
					t.Fatal(err)
				}
			}
			if err := dialed.Shutdown(t.Context()); err != nil {
				t.Fatal(err)
			}
			if n := <-read; n != int64(total) {
				t.Errorf("%d bytes arrived of %d", n, total)
			}
		})
	}
}

// writeOnce calls write(2) until it takes any bytes, and returns their number.
func writeOnce(t testing.TB, c *rfcomm.Conn, data []byte) (n int) {
	t.Helper()
	raw, err := c.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var writeErr error
	err = raw.Write(func(fd uintptr) bool {
		n, writeErr = unix.Write(int(fd), data)
		return writeErr != unix.EAGAIN && writeErr != unix.EINTR
	})
	if err != nil || writeErr != nil {
		t.Fatal(err, writeErr)
	}
	return n
}

// writeWhole passes all remaining data to each write(2), without splitting it
// into chunks.
func writeWhole(t testing.TB, c *rfcomm.Conn, data []byte) (n int) {
	t.Helper()
	for n < len(data) {
		n += writeOnce(t, c, data[n:])
	}
	return n
}
