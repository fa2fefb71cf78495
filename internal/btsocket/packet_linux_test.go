package btsocket

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

// wantPacket checks that Read returns one packet with the content.
func wantPacket(t *testing.T, s *Socket, content []byte) {
	t.Helper()
	buf := make([]byte, 128<<10)
	if n, err := s.Read(buf); err != nil || !bytes.Equal(buf[:n], content) {
		t.Errorf("Read returned %d bytes, %v; want a packet of %d bytes", n, err, len(content))
	}
}

// sendPacket writes a packet.
func sendPacket(t *testing.T, s *Socket, content []byte) {
	t.Helper()
	if n, err := s.Write(content); n != len(content) || err != nil {
		t.Fatalf("Write returned %d, %v; want %d, nil", n, err, len(content))
	}
}

// packetSizes are the lengths of packets that must arrive one by one.
var packetSizes = []int{40 << 10, 0, 1, 0, 0, 1016, 64 << 10, 40 << 10}

// packetOf returns a packet with a content that depends on its size.
func packetOf(size int) []byte { return bytes.Repeat([]byte{byte(size>>8) | 1}, size) }

// byteChunker makes Write split a stream into single bytes.
type byteChunker struct{ counter }

func (*byteChunker) Next(int, bool) int { return 1 }

func TestWriteSendsOnePacket(t *testing.T) {
	near, far := packetPair(t)
	near.SetChunker(new(byteChunker)) // which is for streams
	for _, size := range packetSizes {
		sendPacket(t, near, packetOf(size))
	}
	for _, size := range packetSizes {
		wantPacket(t, far, packetOf(size))
	}
}

func TestReadWaitsForOnePacket(t *testing.T) {
	near, far := packetPair(t)
	for _, size := range slices.Concat(packetSizes, packetSizes) { // often enough that Read looks at the socket first
		read := make(chan []byte, 1)
		go func() {
			buf := make([]byte, 128<<10)
			n, err := far.Read(buf)
			if err != nil {
				t.Error(err)
			}
			read <- buf[:n]
		}()
		hosttest.AwaitPolling(t, "(*Socket).Read")
		sendPacket(t, near, packetOf(size))
		if got := hosttest.Receive(t, read); !bytes.Equal(got, packetOf(size)) {
			t.Errorf("Read returned %d bytes, want %d", len(got), size)
		}
	}
}

func TestReadReturnsEmptyPacketsBeforeEOF(t *testing.T) {
	for empty := range 3 {
		near, far := packetPair(t)
		sendPacket(t, near, []byte("hello"))
		for range empty {
			sendPacket(t, near, nil)
		}
		near.Close()
		wantPacket(t, far, []byte("hello"))
		for range empty {
			wantPacket(t, far, nil)
		}
		wantEOF(t, far)
	}
}

// The empty packet and the end arrive while Read looks at the socket, so that
// no look before or after the receive can tell them apart.
func TestReadReturnsEmptyPacketAgainstClose(t *testing.T) {
	for round := range 1000 {
		near, far := packetPair(t)
		empty := round % 2
		done := make(chan struct{})
		go func() {
			defer close(done)
			for range empty {
				near.Write(nil)
			}
			near.Close()
		}()
		got := 0
		for {
			n, err := far.Read(make([]byte, 1))
			if n == 0 && err == nil {
				got++
				continue
			}
			if err != io.EOF {
				t.Errorf("Read returned %d, %v; want io.EOF", n, err)
			}
			break
		}
		if got != empty {
			t.Fatalf("round %d: Read returned %d empty packets, want %d", round, got, empty)
		}
		<-done
		far.Close()
	}
}

func TestReadReportsPacketLongerThanBuffer(t *testing.T) {
	near, far := packetPair(t)
	sendPacket(t, near, []byte("hello, world"))
	sendPacket(t, near, []byte("next"))
	buf := make([]byte, 5)
	n, err := far.Read(buf)
	if n != 5 || string(buf) != "hello" {
		t.Errorf("Read returned %q, want the beginning of the packet", buf[:n])
	}
	wantErrno(t, err, "read", unix.EMSGSIZE)
	wantPacket(t, far, []byte("next"))
	if far.ended() != nil {
		t.Errorf("the error is taken for the end %v", far.ended())
	}
}

func TestReadWithoutBufferLeavesPacket(t *testing.T) {
	near, far := packetPair(t)
	sendPacket(t, near, []byte("hello"))
	if n, err := far.Read(nil); n != 0 || err != nil {
		t.Errorf("Read returned %d, %v; want 0, nil", n, err)
	}
	wantPacket(t, far, []byte("hello"))
}

// UDP reports an errno before the packets that arrived earlier, as L2CAP does
// (__skb_try_recv_datagram).
func TestReadReturnsPacketsBeforeErrno(t *testing.T) {
	near, far := udpPair(t)
	near.packets, near.write.step = new(packets), near.writePacketStep
	for _, content := range []string{"hello", "world"} {
		if _, err := unix.Write(far, []byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	reportOnce(t, near, far)
	wantPacket(t, near, []byte("hello"))
	wantPacket(t, near, []byte("world"))
	wantReadErrno(t, near, unix.ECONNREFUSED)
}

// fillPackets writes packets until the kernel takes no more, and returns their
// number.
func fillPackets(t *testing.T, s *Socket, content []byte) (written int) {
	t.Helper()
	for {
		s.SetWriteDeadline(time.Now().Add(50 * time.Millisecond))
		switch n, err := s.Write(content); {
		case err == nil:
			written++
		case errors.Is(err, os.ErrDeadlineExceeded) && n == 0:
			s.SetWriteDeadline(time.Time{})
			return written
		default:
			t.Fatalf("Write returned %d, %v", n, err)
		}
	}
}

func TestWriteOfPacketWaitsForRoom(t *testing.T) {
	for name, size := range map[string]int{"empty": 0, "long": 40 << 10} {
		t.Run(name, func(t *testing.T) {
			near, far := packetPair(t)
			written := fillPackets(t, near, packetOf(size))
			write := make(chan error, 1)
			go func() {
				_, err := near.Write(packetOf(size))
				write <- err
			}()
			hosttest.AwaitPolling(t, "(*Socket).Write")
			for range written {
				wantPacket(t, far, packetOf(size))
			}
			if err := hosttest.Receive(t, write); err != nil {
				t.Errorf("Write returned the error %v", err)
			}
			wantPacket(t, far, packetOf(size))
		})
	}
}

func TestWriteOfPacketWaitsUntilPeerCloses(t *testing.T) {
	near, far := packetPair(t)
	fillPackets(t, near, packetOf(40<<10))
	write := make(chan error, 1)
	go func() {
		_, err := near.Write(packetOf(40 << 10))
		write <- err
	}()
	hosttest.AwaitPolling(t, "(*Socket).Write")
	far.Close()
	wantErrno(t, hosttest.Receive(t, write), "write", unix.ECONNRESET) // with packets unread
}

func TestWriteOfPacketThatIsTooLong(t *testing.T) {
	near, far := packetPair(t)
	n, err := near.Write(make([]byte, 8<<20))
	if n != 0 {
		t.Errorf("Write returned %d, want 0", n)
	}
	wantErrno(t, err, "write", unix.EMSGSIZE)
	sendPacket(t, near, []byte("hello")) // it is not the end
	wantPacket(t, far, []byte("hello"))
}

func TestWriteOfPacketAfterPeerClosed(t *testing.T) {
	near, far := packetPair(t)
	far.Close()
	for range 2 {
		_, err := near.Write(nil)
		wantErrno(t, err, "write", unix.EPIPE)
	}
	wantEOF(t, near)
}

func TestCloseWakesReadAndWriteOfPackets(t *testing.T) {
	near, _ := packetPair(t)
	fillPackets(t, near, packetOf(1000))
	read, write := make(chan error, 1), make(chan error, 1)
	go func() {
		_, err := near.Read(make([]byte, 1))
		read <- err
	}()
	go func() {
		_, err := near.Write(nil)
		write <- err
	}()
	hosttest.AwaitPolling(t, "(*Socket).Read")
	hosttest.AwaitPolling(t, "(*Socket).Write")
	near.Close()
	for _, woken := range []<-chan error{read, write} {
		if err := hosttest.Receive(t, woken); err != net.ErrClosed {
			t.Errorf("a pending call returned the error %v, want net.ErrClosed", err)
		}
	}
}

func TestReadDeadlineOfPackets(t *testing.T) {
	near, far := packetPair(t)
	sendPacket(t, near, []byte("late"))
	far.SetReadDeadline(aLongTimeAgo)
	if _, err := far.Read(make([]byte, 100)); err != os.ErrDeadlineExceeded {
		t.Errorf("Read returned the error %v, want os.ErrDeadlineExceeded", err)
	}
	far.SetReadDeadline(time.Time{})
	wantPacket(t, far, []byte("late"))
}

func TestReadAndWriteOfPacketsDoNotAllocate(t *testing.T) {
	near, far := packetPair(t)
	data, buf := packetOf(1000), make([]byte, 1000)
	if allocations := testing.AllocsPerRun(100, func() {
		if _, err := near.Write(data); err != nil {
			t.Fatal(err)
		}
		if _, err := far.Read(buf); err != nil {
			t.Fatal(err)
		}
	}); allocations != 0 {
		t.Errorf("a Write and a Read allocate %v times, want 0", allocations)
	}
}
