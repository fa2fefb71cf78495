package rfcomm_test

import (
	"fmt"
	"io"
	"testing"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/rfcommtest"
)

// A setting is what the best piece depends on.
type setting struct {
	packets   string
	aclLength int
	mtu       int
}

var packetTypes = map[string]rfcommtest.PacketTypes{
	"3-DH5": rfcommtest.EDR3,
	"2-DH5": rfcommtest.EDR2,
	"DH5":   rfcommtest.BasicRate,
}

// rate returns how fast a row of writes of one size goes over a perfect radio, in
// kB/s of payload, by the slots that it takes.
func (s setting) rate(t testing.TB, channel, size int, write func(c *rfcomm.Conn, data []byte)) float64 {
	t.Helper()
	withMTU(t, s.mtu)
	radio := rfcommtest.Require(t, rfcommtest.Config{ACLLength: s.aclLength, PacketTypes: packetTypes[s.packets]})
	defer radio.Close()
	near, far := radio.Controllers()[0], radio.Controllers()[1]
	radio.Link(near, far).SetPacketTypes(packetTypes[s.packets])

	address := rfcomm.Addr{Device: far.Addr(), Channel: channel}
	listener, err := new(rfcomm.ListenConfig).ListenRFCOMM(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	dialer := rfcomm.Dialer{LocalAddr: rfcomm.Addr{Device: near.Addr()}}
	dialed, err := dialer.DialRFCOMM(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	defer dialed.Close()
	accepted, err := listener.AcceptRFCOMM()
	if err != nil {
		t.Fatal(err)
	}
	defer accepted.Close()

	const learned, measured = 128 << 10, 96 << 10
	send := func(total int) {
		wrote := inBackground(func() error {
			for n := 0; n < total; n += size {
				write(dialed, make([]byte, size))
			}
			return nil
		})
		if _, err := io.CopyN(io.Discard, accepted, int64(total)); err != nil {
			t.Fatal(err)
		}
		<-wrote
	}
	send(learned)
	before := near.Airtime()
	send(measured)
	slots := near.Airtime().Slots - before.Slots
	return measured / 1000 / (float64(slots) * 625e-6)
}

// ways are what is compared: the pieces of Conn.Write, and the whole buffer.
func ways(t testing.TB) map[string]func(c *rfcomm.Conn, data []byte) {
	return map[string]func(c *rfcomm.Conn, data []byte){
		"whole": func(c *rfcomm.Conn, data []byte) { writeWhole(t, c, data) },
		"pieces": func(c *rfcomm.Conn, data []byte) {
			if _, err := c.Write(data); err != nil {
				t.Error(err)
			}
		},
	}
}

// The rates are those of the model in internal/btsocket, where all settings are
// compared; here the kernel makes the frames, and a controller cuts them.
func TestWriteReachesTheBestPieceOverARadio(t *testing.T) {
	inLab(t)
	for i, tt := range []struct {
		setting
		whole, pieces float64 // kB/s
	}{
		{setting{"3-DH5", 1021, 1016}, 201.6, 267.5},
		{setting{"3-DH5", 310, 330}, 87.7, 120.2},
		{setting{"2-DH5", 679, 672}, 134.4, 178.3},
		{setting{"DH5", 1021, 1016}, 73.8, 89.5},
	} {
		if testing.Short() && i > 1 {
			break
		}
		got := make(map[string]float64)
		for way, write := range ways(t) {
			got[way] = tt.rate(t, 1+i, 32<<10, write)
		}
		t.Logf("%+v: %.1f kB/s in whole, %.1f in pieces", tt.setting, got["whole"], got["pieces"])
		if !near(got["whole"], tt.whole) || !near(got["pieces"], tt.pieces) {
			t.Errorf("%+v: %.1f and %.1f kB/s, want %.1f and %.1f", tt.setting, got["whole"], got["pieces"], tt.whole, tt.pieces)
		}
	}
}

// near allows for control frames, such as credits that found no return slot.
func near(got, want float64) bool { return got > want*0.985 && got < want*1.01 }

// BenchmarkPieces measures all settings, by the slots that writes take.
func BenchmarkPieces(b *testing.B) {
	inLab(b)
	for _, packets := range []string{"3-DH5", "2-DH5", "DH5"} {
		for _, aclLength := range []int{1021, 679, 310} {
			for _, mtu := range []int{1016, 990, 672, 330, 127} {
				for _, size := range []int{4096, 32768} {
					for way := range ways(b) {
						b.Run(fmt.Sprintf("%s/acl=%d/mtu=%d/size=%d/%s", packets, aclLength, mtu, size, way), func(b *testing.B) {
							for i := range b.N {
								b.ReportMetric(setting{packets, aclLength, mtu}.rate(b, 1+i%30, size, ways(b)[way]), "kB/s-on-air")
							}
						})
					}
				}
			}
		}
	}
}
