package integration

import (
	"fmt"
	"io"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
	"github.com/go-rfcomm/rfcomm/internal/test/labtest"
	"github.com/go-rfcomm/rfcomm/rfcommtest"
)

// A setting holds the properties that the best chunk size depends on.
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

// An airConn is a connection over a radio of its own that loses no packets.
type airConn struct {
	radio            *rfcommtest.Radio
	near             *rfcommtest.Controller // of the dialed end
	dialed, accepted *rfcomm.Conn
}

// connect returns a new connection over a radio with this setting.
func (s setting) connect(t testing.TB) *airConn {
	t.Helper()
	withMTU(t, s.mtu)
	radio := rfcommtest.Require(t, rfcommtest.Config{ACLLength: s.aclLength, PacketTypes: packetTypes[s.packets]})
	near, far := radio.Controllers()[0], radio.Controllers()[1]
	link := radio.Link(near, far)
	link.SimulateAirtime(packetTypes[s.packets])
	dialed, accepted, err := link.Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return &airConn{radio, near, dialed, accepted}
}

func (l *airConn) close() {
	l.accepted.Close()
	l.dialed.Close()
	l.radio.Close()
}

// send writes total bytes, size bytes at a time, and receives them. The total
// is a multiple of size.
func (l *airConn) send(t testing.TB, total, size int, write func(c *rfcomm.Conn, data []byte)) {
	t.Helper()
	wrote := hosttest.InBackground(func() error {
		for n := 0; n < total; n += size {
			write(l.dialed, make([]byte, size))
		}
		return nil
	})
	if _, err := io.CopyN(io.Discard, l.accepted, int64(total)); err != nil {
		t.Fatal(err)
	}
	<-wrote
}

// learned is the number of bytes after which Write knows the MTU.
const learned = 128 << 10

// rate returns the payload rate of writes of one size, in kB/s, computed from
// the slots that the packets take.
func (s setting) rate(t testing.TB, size int, write func(c *rfcomm.Conn, data []byte)) float64 {
	t.Helper()
	l := s.connect(t)
	defer l.close()
	const measured = 96 << 10
	l.send(t, learned, size, write)
	before := l.near.Airtime()
	l.send(t, measured, size, write)
	slots := l.near.Airtime().Slots - before.Slots
	return measured / 1000 / (float64(slots) * 625e-6)
}

// ways are the ways to write that are compared: Conn.Write, which writes chunks
// ("chunks"), and one write(2) with the whole buffer.
func ways(t testing.TB) map[string]func(c *rfcomm.Conn, data []byte) {
	return map[string]func(c *rfcomm.Conn, data []byte){
		"whole": func(c *rfcomm.Conn, data []byte) { writeWhole(t, c, data) },
		"chunks": func(c *rfcomm.Conn, data []byte) {
			if _, err := c.Write(data); err != nil {
				t.Error(err)
			}
		},
	}
}

// The wanted rates are those of the model in package framing, whose tests
// compare all settings. Here the kernel makes the frames, and a controller
// fragments them.
func TestConnWriteFillsBasebandPackets(t *testing.T) {
	inLab(t)
	labtest.RequireRoot(t)
	for i, tt := range []struct {
		setting
		whole, chunks float64 // kB/s
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
			got[way] = tt.rate(t, 32<<10, write)
		}
		t.Logf("%+v: %.1f kB/s in whole, %.1f in chunks", tt.setting, got["whole"], got["chunks"])
		if !near(got["whole"], tt.whole) || !near(got["chunks"], tt.chunks) {
			t.Errorf("%+v: %.1f and %.1f kB/s, want %.1f and %.1f", tt.setting, got["whole"], got["chunks"], tt.whole, tt.chunks)
		}
	}
}

// A device may treat a frame as a message, so a Write that fits one frame must
// not be split, although two frames can take fewer slots.
func TestConnWriteKeepsFrameWhole(t *testing.T) {
	inLab(t)
	labtest.RequireRoot(t)
	for _, s := range []setting{
		{"3-DH5", 679, 1000},
		{"DH5", 310, 1000},
	} {
		l := s.connect(t)
		l.send(t, learned, 32<<10, ways(t)["chunks"])
		for _, size := range []int{20, 329, 700, 754, 900, 968, 1000} {
			if _, err := l.dialed.Write(make([]byte, size)); err != nil {
				t.Fatal(err)
			}
			if frame := firstFrame(t, l.accepted); frame != size {
				t.Errorf("%+v: a Write of %d bytes begins with a frame of %d", s, size, frame)
			}
			if _, err := io.CopyN(io.Discard, l.accepted, int64(size)); err != nil {
				t.Fatal(err)
			}
		}
		l.close()
	}
}

// firstFrame waits for data and returns the length of the first frame, which is
// all that TIOCINQ counts (bt_sock_ioctl).
func firstFrame(t testing.TB, c *rfcomm.Conn) (length int) {
	t.Helper()
	raw, err := c.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var askErr error
	err = raw.Read(func(fd uintptr) bool {
		length, askErr = unix.IoctlGetInt(int(fd), unix.TIOCINQ)
		return length > 0 || askErr != nil
	})
	if err != nil || askErr != nil {
		t.Fatal(err, askErr)
	}
	return length
}

// near reports whether a rate is as wanted, with a tolerance for control
// frames, such as credits that found no return slot.
func near(got, want float64) bool { return got > want*0.985 && got < want*1.01 }

// BenchmarkConnWriteChunks measures all settings, in slots of air time.
func BenchmarkConnWriteChunks(b *testing.B) {
	inLab(b)
	labtest.RequireRoot(b)
	for _, packets := range []string{"3-DH5", "2-DH5", "DH5"} {
		for _, aclLength := range []int{1021, 679, 310} {
			for _, mtu := range []int{1016, 990, 672, 330, 127} {
				for _, size := range []int{4096, 32768} {
					for way := range ways(b) {
						b.Run(fmt.Sprintf("%s/acl=%d/mtu=%d/size=%d/%s", packets, aclLength, mtu, size, way), func(b *testing.B) {
							for range b.N {
								b.ReportMetric(setting{packets, aclLength, mtu}.rate(b, size, ways(b)[way]), "kB/s-on-air")
							}
						})
					}
				}
			}
		}
	}
}
