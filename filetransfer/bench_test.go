package filetransfer_test

import (
	"context"
	"io"
	"net"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/go-rfcomm/rfcomm/filetransfer"
)

// The benchmarks transfer a file of benchmarkSize over a Unix socket,
// alternating with a plain copy over another Unix socket. "x-copy" is the ratio
// of the median times of transfer and copy. Most of the time is spent on
// SHA-256, which both ends compute.
const benchmarkSize = 8 << 20

func BenchmarkGet(b *testing.B) {
	s := serve(b, "unix", &filetransfer.Server{FS: bigFiles(benchmarkSize)})
	c := filetransfer.NewClient(s.conn)
	benchmarkTransfer(b, func() error {
		_, err := c.Get(b.Context(), "big", discarding{})
		return err
	})
}

func BenchmarkPut(b *testing.B) {
	s := serve(b, "unix", &filetransfer.Server{Uploads: filetransfer.NewDir(openDir(b, memoryDir(b))), Replace: true})
	c := filetransfer.NewClient(s.conn)
	c.Overwrite = true
	benchmarkTransfer(b, func() error {
		return doPut(b.Context(), c, "big", zeros(), filetransfer.Info{Size: benchmarkSize})
	})
}

func BenchmarkGetPlain(b *testing.B) {
	benchmarkTransfer(b, func() error {
		s := serve(b, "unix", &filetransfer.Server{FS: bigFiles(benchmarkSize)})
		defer s.conn.Close()
		_, err := fetch(b.Context(), lineEnd{s.conn}, "big", discarding{})
		return err
	})
}

// discarding is a Writer that discards and has no other method.
type discarding struct{}

func (discarding) Write(p []byte) (int, error) { return len(p), nil }

// zeros returns the content of a file of benchmarkSize.
func zeros() io.Reader { return &bigFile{left: benchmarkSize} }

// benchmarkTransfer measures a transfer.
func benchmarkTransfer(b *testing.B, transfer func() error) {
	near, far := networks["unix"](b)
	defer near.Close()
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	asked := make(chan struct{})
	go copyWhenAsked(ctx, asked, far)

	var spent, copied []time.Duration
	var allocated uint64
	for b.Loop() {
		before := allocations()
		began := time.Now()
		if err := transfer(); err != nil {
			b.Fatal(err)
		}
		spent = append(spent, time.Since(began))
		allocated += allocations() - before

		began = time.Now()
		asked <- struct{}{}
		if n, err := io.CopyN(discarding{}, near, benchmarkSize); err != nil {
			b.Fatalf("copied %d bytes: %v", n, err)
		}
		copied = append(copied, time.Since(began))
	}
	took := middle(spent)
	b.ReportMetric(float64(took), "ns/op")
	b.ReportMetric(benchmarkSize/took.Seconds()/1e6, "MB/s")
	b.ReportMetric(took.Seconds()/middle(copied).Seconds(), "x-copy")
	b.ReportMetric(float64(allocated)/float64(len(spent))/(benchmarkSize>>20), "allocs/MiB")
}

// copyWhenAsked copies a file once for each value received from asked.
func copyWhenAsked(ctx context.Context, asked <-chan struct{}, c net.Conn) {
	defer c.Close()
	for {
		select {
		case <-asked:
			io.Copy(struct{ io.Writer }{c}, zeros())
		case <-ctx.Done():
			return
		}
	}
}

// allocations returns the number of allocations so far.
func allocations() uint64 {
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.Mallocs
}

// middle returns the median.
func middle(times []time.Duration) time.Duration {
	slices.Sort(times)
	return times[len(times)/2]
}
