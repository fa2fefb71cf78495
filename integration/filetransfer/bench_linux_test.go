package filetransfer_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/filetransfer"
	"github.com/go-rfcomm/rfcomm/internal/test/conntest"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

// benchSize is the size of the file that the benchmark fetches repeatedly.
const benchSize = 8 << 20

// BenchmarkGoodput fetches one file in all ways in turn, in rounds, and reports
// the medians over the rounds, and their spread. One op is a round.
// docs/benchmarks.md describes how to run it, and has the results.
func BenchmarkGoodput(b *testing.B) {
	l := inLab(b)
	a := l.article(b)
	content := randomFile(b, a.dir, "file", benchSize)
	logger := slog.New(slog.DiscardHandler)
	server := &filetransfer.Server{FS: openRoot(b, a.dir).FS(), Logger: logger}
	listener, copies := conntest.Listen(b, l.far), conntest.Listen(b, l.far)
	go server.Serve(listener)
	b.Cleanup(func() { server.Close() })
	go serveCopies(copies, filepath.Join(a.dir, "file"))

	getPlain := func(c net.Conn) error {
		client := filetransfer.NewClient(c)
		client.Plain = true
		_, err := client.Get(b.Context(), "file", discard{})
		return err
	}
	ways := []*way{
		{name: "copy", address: copies.Addr(), get: func(c net.Conn) error {
			if _, err := c.Write([]byte{0}); err != nil {
				return err
			}
			_, err := io.Copy(discard{}, io.LimitReader(c, benchSize))
			return err
		}},
		{name: "framed", address: listener.Addr(), get: func(c net.Conn) error {
			_, err := filetransfer.NewClient(c).Get(b.Context(), "file", discard{})
			return err
		}},
		{name: "plain", address: listener.Addr(), get: getPlain},
		{name: "article", address: a.address, get: getPlain},
	}
	var hashing []float64
	for b.Loop() {
		for _, w := range ways {
			if err := w.run(b, l.dial(b, w.address)); err != nil {
				b.Fatalf("%s: %v", w.name, err)
			}
		}
		// Begin each round with another way, so that no way is
		// always the first.
		ways = append(ways[1:], ways[0])
		before := hosttest.CPUTime(b)
		sha256.Sum256(content)
		hashing = append(hashing, (hosttest.CPUTime(b)-before).Seconds()*1000)
	}

	slices.SortFunc(ways, func(v, w *way) int { return slices.Index(wayNames, v.name) - slices.Index(wayNames, w.name) })
	reference := ways[0]
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(median(hashing), "ms-hash")
	b.Logf("medians of %d rounds; SHA-256 of %d MiB takes %.0f ms of CPU time at each end", len(hashing), benchSize>>20, median(hashing))
	b.Log("| | data phase | x copy | whole call | x copy | CPU ms | allocations |")
	for _, w := range ways {
		data, call := quotients(w.data, reference.data), quotients(w.call, reference.call)
		b.Logf("| %s | %s | %s | %s | %s | %s | %s |", w.name, spread(w.data, "%.2f"), spread(data, "%.2f"),
			spread(w.call, "%.2f"), spread(call, "%.2f"), spread(w.cpu, "%.0f"), spread(w.allocs, "%.1f"))
		b.ReportMetric(median(w.data), w.name+"-MB/s")
		if w != reference {
			b.ReportMetric(median(data), w.name+"-x-copy")
		}
		b.ReportMetric(median(w.allocs), w.name+"-allocs/MiB")
	}
}

var wayNames = []string{"copy", "framed", "plain", "article"}

// serveCopies sends a file with io.Copy to each client, after a
// request of one byte.
func serveCopies(listener *rfcomm.Listener, path string) {
	for {
		c, err := listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue
		}
		file, err := os.Open(path)
		if err == nil {
			c.Read(make([]byte, 1))
			io.Copy(c, file)
			file.Close()
		}
		c.Close()
	}
}

// A way is one way to fetch the file, with the measurements of each round.
type way struct {
	name    string
	address net.Addr
	get     func(net.Conn) error

	data   []float64 // MB/s from the first to the last byte of the file
	call   []float64 // MB/s of the whole call, including the protocol
	cpu    []float64 // ms of CPU time of this process per MiB: of both ends if both are Go
	allocs []float64 // allocations of this process per MiB
}

// run fetches the file once over a new connection and closes that.
func (w *way) run(b *testing.B, conn *rfcomm.Conn) error {
	defer conn.Close()
	c := &timedConn{Conn: conn}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	cpu := hosttest.CPUTime(b)
	begun := time.Now()
	if err := w.get(c); err != nil {
		return err
	}
	whole := time.Since(begun)
	cpu = hosttest.CPUTime(b) - cpu
	runtime.ReadMemStats(&after)

	const megabytes, mebibytes = benchSize / 1e6, benchSize >> 20
	w.call = append(w.call, megabytes/whole.Seconds())
	w.data = append(w.data, (benchSize-timedFrom)/1e6/c.end.Sub(c.start).Seconds())
	w.cpu = append(w.cpu, cpu.Seconds()*1000/mebibytes)
	w.allocs = append(w.allocs, float64(after.Mallocs-before.Mallocs)/mebibytes)
	return nil
}

// timedFrom is the number of received bytes at which a timedConn starts its
// clock. It exceeds the bytes before a file's first byte in every dialect, and
// is negligible compared with the file.
const timedFrom = 4096

// A timedConn records the times at which the data of a download starts and
// ends. It finds them by counting bytes, since reading a clock in each Read
// would be slow in the lab.
type timedConn struct {
	*rfcomm.Conn
	read       int
	start, end time.Time
}

func (c *timedConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.read += n
	if c.start.IsZero() && c.read >= timedFrom {
		c.start = time.Now()
	}
	if c.end.IsZero() && c.read >= benchSize {
		c.end = time.Now()
	}
	return n, err
}

// discard is io.Discard without its ReadFrom method.
type discard struct{}

func (discard) Write(b []byte) (int, error) { return len(b), nil }

// quotients divides the value of each round by that of another way.
func quotients(values, by []float64) []float64 {
	result := make([]float64, len(values))
	for i := range values {
		result[i] = values[i] / by[i]
	}
	return result
}

// spread returns the median and, in brackets, the lowest and the highest value.
func spread(values []float64, format string) string {
	return fmt.Sprintf(format+" ("+format+"–"+format+")", median(values), slices.Min(values), slices.Max(values))
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	return (sorted[middle] + sorted[(len(sorted)-1)/2]) / 2
}
