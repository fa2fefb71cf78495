package integration

import (
	"fmt"
	"github.com/go-rfcomm/rfcomm/internal/test/conntest"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
	"io"
	"testing"
)

// BenchmarkRFCOMM measures over the lab's virtual radio, whose controllers pass
// packets on without the air time of a real one.
func BenchmarkRFCOMM(b *testing.B) {
	l := inLab(b)
	for _, size := range []int{64, 1012, 4096, 32768} {
		b.Run(fmt.Sprintf("Throughput/write=%d", size), func(b *testing.B) {
			dialed, accepted := l.connect(b)
			read := hosttest.InBackground(func() int64 {
				n, _ := io.Copy(io.Discard, accepted)
				return n
			})
			data := make([]byte, size)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := dialed.Write(data); err != nil {
					b.Fatal(err)
				}
			}
			// Only a confirmed close shows that the peer's kernel has all data.
			if err := dialed.Shutdown(b.Context()); err != nil {
				b.Fatal(err)
			}
			if n := <-read; n < int64(size) {
				b.Fatalf("the peer read %d bytes", n)
			}
		})
	}
	b.Run("RoundTrip", func(b *testing.B) {
		dialed, accepted := l.connect(b)
		go io.Copy(accepted, accepted)
		data := make([]byte, 1)
		for b.Loop() {
			if _, err := dialed.Write(data); err != nil {
				b.Fatal(err)
			}
			if _, err := io.ReadFull(dialed, data); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("Connect", func(b *testing.B) {
		// Another connection keeps the session open, as between devices that
		// are already connected.
		kept, _ := l.connect(b)
		for b.Loop() {
			b.StopTimer()
			listener := l.listen(b)
			if conntest.AddrOf(listener).Channel == channelOf(kept) {
				listener = l.listen(b)
			}
			b.StartTimer()
			c, err := l.dialer.DialRFCOMM(b.Context(), conntest.AddrOf(listener))
			if err != nil {
				b.Fatal(err)
			}
			b.StopTimer()
			conntest.Accept(b, listener).Close()
			c.Close()
			listener.Close()
			b.StartTimer()
		}
	})
}
