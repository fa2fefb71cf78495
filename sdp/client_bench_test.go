package sdp

import (
	"fmt"
	"log/slog"
	"testing"

	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

// BenchmarkClientSearch searches a Server with 100 records, at the smallest MTU
// of L2CAP and at the default.
func BenchmarkClientSearch(b *testing.B) {
	for _, mtu := range []int{minMTU, defaultMTU} {
		b.Run(fmt.Sprintf("mtu=%d", mtu), func(b *testing.B) {
			const records = 100
			server := Server{Logger: slog.New(slog.DiscardHandler)}
			for number := range records {
				name := fmt.Sprintf("Serial Port %d", number)
				if _, err := server.Add(NewSerialPort(name, minChannel+number%maxChannel)); err != nil {
					b.Fatal(err)
				}
			}
			clientEnd, serverEnd := hosttest.PacketPipe(mtu, mtu)
			served := make(chan error, 1)
			go func() { served <- server.ServeConn(b.Context(), serverEnd) }()
			requests := &writeCounter{PacketConn: clientEnd}
			client := NewClient(requests)
			defer func() {
				client.Close()
				if err := <-served; err != nil {
					b.Error(err)
				}
			}()
			b.ReportAllocs()
			for b.Loop() {
				found, err := client.Search(b.Context(), []UUID{SerialPort})
				if err != nil || len(found) != records {
					b.Fatalf("Search returned %d records, %v; want %d", len(found), err, records)
				}
			}
			b.ReportMetric(float64(requests.count)/float64(b.N), "requests/op")
		})
	}
}

// A writeCounter counts the packets that one end sends.
type writeCounter struct {
	*hosttest.PacketConn
	count int
}

func (c *writeCounter) Write(p []byte) (int, error) {
	c.count++
	return c.PacketConn.Write(p)
}
