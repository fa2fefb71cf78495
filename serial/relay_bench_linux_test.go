package serial

import (
	"context"
	"net"
	"os"
	"os/exec"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm/internal/btsocket"
)

// relayVariable makes the test binary a relay between descriptor 3 and a port.
const relayVariable = "RFCOMM_BENCHMARK_RELAY"

func init() {
	if port := os.Getenv(relayVariable); port != "" {
		relayDescriptor(port)
		os.Exit(1) // without a connection
	}
}

// A relayedConn is a socket that is used as RFCOMM's are.
type relayedConn struct{ *btsocket.Socket }

func (relayedConn) LocalAddr() net.Addr  { return &net.UnixAddr{} }
func (relayedConn) RemoteAddr() net.Addr { return &net.UnixAddr{} }

func relayDescriptor(port string) {
	unix.SetNonblock(3, true)
	socket, err := btsocket.New(3)
	if err != nil {
		return
	}
	r := Relay{
		Open:    func(context.Context) (Line, error) { return OpenLine(port, nil) },
		Connect: func(context.Context) (net.Conn, error) { return relayedConn{socket}, nil },
	}
	r.Run(context.Background())
}

// BenchmarkRelayCPU compares the CPU time of a relay with that of socat between the
// same ends, a Unix socketpair and a pseudo terminal, each in a process of its own.
// x-socat is the quotient. The data comes as fast as possible, or at the pace of a
// radio, a full packet every 3.75 ms.
func BenchmarkRelayCPU(b *testing.B) {
	for _, bench := range []struct {
		name string
		out  bool // from the port to the peer
		pace time.Duration
		size int
	}{
		{"in", false, 0, 16 << 20}, {"out", true, 0, 16 << 20},
		{"in/paced", false, 3750 * time.Microsecond, 256 << 10}, {"out/paced", true, 3750 * time.Microsecond, 256 << 10},
	} {
		b.Run(bench.name, func(b *testing.B) {
			var ours, socats time.Duration
			for b.Loop() {
				ours += cpuOfRelay(b, bench.out, bench.pace, bench.size, func(port string) *exec.Cmd {
					cmd := exec.Command(os.Args[0])
					cmd.Env = append(os.Environ(), relayVariable+"="+port)
					return cmd
				})
				socats += cpuOfRelay(b, bench.out, bench.pace, bench.size, func(port string) *exec.Cmd {
					return exec.Command("socat", "FD:3", "OPEN:"+port+",rawer")
				})
			}
			b.ReportMetric(float64(ours)/float64(socats), "x-socat")
			b.ReportMetric(ours.Seconds()*1e3/float64(b.N)/(float64(bench.size)/(1<<20)), "cpu-ms/MiB")
		})
	}
}

// cpuOfRelay returns the CPU time in which a program relays size bytes.
func cpuOfRelay(b *testing.B, out bool, pace time.Duration, size int, program func(port string) *exec.Cmd) time.Duration {
	b.Helper()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		b.Fatal(err)
	}
	peer, theirs := os.NewFile(uintptr(pair[0]), "peer"), os.NewFile(uintptr(pair[1]), "relay")
	defer peer.Close()
	master := newMaster(b)
	defer master.Close()
	slave, err := os.OpenFile(master.port, os.O_RDWR|unix.O_NOCTTY, 0) // without one, reading the master fails
	if err != nil {
		b.Fatal(err)
	}
	defer slave.Close()
	if err := makeRaw(int(slave.Fd())); err != nil {
		b.Fatal(err)
	}
	cmd := program(master.port)
	cmd.ExtraFiles = []*os.File{theirs}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	theirs.Close()
	from, to := master.File, peer
	if out {
		from, to = to, from
	}
	defer cmd.Wait()
	defer cmd.Process.Kill()
	receive := func(size int) time.Duration {
		for buffer := make([]byte, 32<<10); size > 0; {
			n, err := from.Read(buffer)
			if err != nil {
				b.Fatal(err)
			}
			size -= n
		}
		return cpuTime(b, cmd.Process.Pid)
	}
	go supply(to, pace)
	begin := receive(size / 8) // until all has started
	return receive(size) - begin
}

// supply writes until an error: full packets at a pace, or else as fast as possible.
func supply(to *os.File, pace time.Duration) {
	data := make([]byte, 4096)
	if pace > 0 {
		data = data[:1012]
	}
	for next := time.Now(); ; next = next.Add(pace) {
		if _, err := to.Write(data); err != nil {
			return
		}
		time.Sleep(time.Until(next)) // returns at once without a pace
	}
}

// cpuTime returns the CPU time of a process, by its clock (CPUCLOCK_SCHED).
func cpuTime(b *testing.B, process int) time.Duration {
	b.Helper()
	var t unix.Timespec
	if err := unix.ClockGettime(int32(^process<<3|2), &t); err != nil {
		b.Fatal(err)
	}
	return time.Duration(t.Nano())
}
