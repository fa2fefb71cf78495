package integration

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm/internal/btsocket"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
	"github.com/go-rfcomm/rfcomm/internal/test/labtest"
)

// These tests connect L2CAP sockets for packets by Connect, Listen and Accept
// of package btsocket, over the link between the lab's adapters.

const (
	// l2capPSM is the first PSM that a user without privileges may listen on.
	l2capPSM = 0x1001

	// l2capMTU is the longest packet that Linux receives in basic mode. With
	// the header of 4 bytes it takes 65535 bytes. Linux sends a packet of up to
	// 65535 bytes to a peer with such an MTU, but a Linux peer does not receive
	// it (6.1, 6.12).
	l2capMTU = 65531
)

// The values of the field mode of struct l2cap_options.
const (
	l2capBasic     = 0
	l2capERTM      = 3 // enhanced retransmission
	l2capStreaming = 4
)

// setL2CAPOptions sets the MTU of both directions and the mode (L2CAP_OPTIONS,
// include/net/bluetooth/l2cap.h).
func setL2CAPOptions(fd int, mtu uint16, mode byte) error {
	options := make([]byte, 12)
	binary.NativeEndian.PutUint16(options[0:], mtu)    // omtu
	binary.NativeEndian.PutUint16(options[2:], mtu)    // imtu
	binary.NativeEndian.PutUint16(options[4:], 0xffff) // flush_to: never
	options[6], options[7], options[8] = mode, 1, 3    // mode, fcs, max_tx
	binary.NativeEndian.PutUint16(options[10:], 63)    // txwin_size
	return os.NewSyscallError("setsockopt", unix.SetsockoptString(fd, unix.SOL_L2CAP, 1, string(options)))
}

// An l2capLab makes L2CAP connections between the lab's adapters.
type l2capLab struct {
	*labtest.Lab
	mtu  uint16
	mode byte
}

func inL2CAPLab(t testing.TB) *l2capLab {
	return &l2capLab{Lab: labtest.Require(t), mtu: l2capMTU, mode: l2capBasic}
}

func (l *l2capLab) endpoint(local *unix.SockaddrL2) btsocket.Endpoint {
	return btsocket.Endpoint{
		Kind: unix.SOCK_SEQPACKET, Protocol: unix.BTPROTO_L2CAP, Local: local,
		Setup: func(fd int) error { return setL2CAPOptions(fd, l.mtu, l.mode) },
	}
}

// listen listens on the device's adapter until the test ends.
func (l *l2capLab) listen(t testing.TB) *btsocket.Listener {
	t.Helper()
	listener, err := btsocket.Listen(l.endpoint(&unix.SockaddrL2{Addr: l.Device(), PSM: l2capPSM}), 5)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	return listener
}

// dial connects the dialing adapter to the device.
func (l *l2capLab) dial(ctx context.Context) (*btsocket.Socket, error) {
	return btsocket.Connect(ctx, l.endpoint(&unix.SockaddrL2{Addr: l.Dialer()}),
		&unix.SockaddrL2{Addr: l.Device(), PSM: l2capPSM})
}

// connect returns both ends of a connection, closed when the test ends.
func (l *l2capLab) connect(t testing.TB) (dialed, accepted *btsocket.Socket) {
	t.Helper()
	listener := l.listen(t)
	defer listener.Close()
	dialed, err := l.dial(t.Context())
	for attempt := 1; attempt < 20 && errors.Is(err, syscall.EHOSTDOWN); attempt++ {
		dialed, err = l.dial(t.Context()) // a busy machine can exceed the lab's page timeout
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dialed.Close() })
	accepted, peer, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { accepted.Close() })
	from := peer.(*unix.SockaddrL2).Addr
	slices.Reverse(from[:]) // x/sys returns the bytes in the kernel's order, but takes them in ours
	if from != l.Dialer() {
		t.Errorf("Accept returned the address %x, want %x", from, l.Dialer())
	}
	return dialed, accepted
}

// l2capPacket returns a packet with a content that depends on its size.
func l2capPacket(size int) []byte {
	return bytes.Repeat([]byte{byte(size), byte(size >> 8)}, size/2+1)[:size]
}

// sendL2CAP writes one packet.
func sendL2CAP(t testing.TB, s *btsocket.Socket, size int) {
	t.Helper()
	if n, err := s.Write(l2capPacket(size)); n != size || err != nil {
		t.Fatalf("Write = %d, %v; want %d, nil", n, err, size)
	}
}

// receiveL2CAP reads one packet and compares it.
func receiveL2CAP(t testing.TB, s *btsocket.Socket, size int) {
	t.Helper()
	buf := make([]byte, 70_000)
	if n, err := s.Read(buf); err != nil || !bytes.Equal(buf[:n], l2capPacket(size)) {
		t.Fatalf("Read = %d bytes, %v; want a packet of %d bytes", n, err, size)
	}
}

// receiveL2CAPEnd reads the end of the connection, repeatedly: every
// Read must return it.
func receiveL2CAPEnd(t testing.TB, s *btsocket.Socket, want error) {
	t.Helper()
	for range 3 {
		if n, err := s.Read(make([]byte, 100)); n != 0 || !errors.Is(err, want) {
			t.Fatalf("Read = %d, %v; want 0, %v", n, err, want)
		}
	}
}

// wakesL2CAP runs f in the background, calls cause once f waits in a method of
// btsocket, and returns the error of f.
func wakesL2CAP(t testing.TB, f func() error, method string, cause func()) error {
	t.Helper()
	done := hosttest.InBackground(f)
	hosttest.AwaitPolling(t, method)
	cause()
	return hosttest.Receive(t, done)
}

func TestL2CAPPacketsArriveWhole(t *testing.T) {
	dialed, accepted := inL2CAPLab(t).connect(t)
	for _, ends := range [][2]*btsocket.Socket{{dialed, accepted}, {accepted, dialed}} {
		for _, size := range []int{40 << 10, 0, 1, l2capMTU, 1016} {
			sendL2CAP(t, ends[0], size)
			receiveL2CAP(t, ends[1], size)
		}
		for _, size := range []int{40 << 10, 0, 0, 48} { // all queued
			sendL2CAP(t, ends[0], size)
		}
		for _, size := range []int{40 << 10, 0, 0, 48} {
			receiveL2CAP(t, ends[1], size)
		}
	}
	dialed.Close()
	receiveL2CAPEnd(t, accepted, io.EOF)
}

// Enhanced retransmission and streaming mode carry long packets, but send
// nothing for an empty one (l2cap_segment_sdu).
func TestL2CAPModesCarryLongPackets(t *testing.T) {
	for name, mode := range map[string]byte{"ERTM": l2capERTM, "streaming": l2capStreaming} {
		t.Run(name, func(t *testing.T) {
			l := inL2CAPLab(t)
			l.mode, l.mtu = mode, 65535
			dialed, accepted := l.connect(t)
			for _, size := range []int{40 << 10, 0, 65535} {
				sendL2CAP(t, dialed, size)
				if size > 0 {
					receiveL2CAP(t, accepted, size)
				}
			}
			dialed.Close()
			receiveL2CAPEnd(t, accepted, io.EOF)
		})
	}
}

// A peer that does not read loses packets in basic mode, but not in enhanced
// retransmission mode, which has flow control.
func TestL2CAPFullReceiveBuffer(t *testing.T) {
	const size, packets = 1000, 300
	for name, mode := range map[string]byte{"basic": l2capBasic, "ERTM": l2capERTM} {
		t.Run(name, func(t *testing.T) {
			l := inL2CAPLab(t)
			l.mode = mode
			dialed, accepted := l.connect(t)
			sent := make(chan int, 1)
			go func() {
				sent <- sendPackets(dialed, size, packets)
				dialed.Shutdown(context.Background(), l.handle)
			}()
			n := packets
			if mode == l2capBasic {
				n = hosttest.Receive(t, sent)
				hosttest.Eventually(t, "the sender closes", func() bool { return !accepted.Connected() })
			}
			received := 0
			for {
				_, err := accepted.Read(make([]byte, size))
				if err == io.EOF {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				received++
			}
			if lost := n - received; n != packets || (lost > 0) != (mode == l2capBasic) {
				t.Errorf("%d packets sent, %d received of %d", n, received, packets)
			}
		})
	}
}

// sendPackets writes packets and returns the number of those that the kernel
// took.
func sendPackets(s *btsocket.Socket, size, packets int) (sent int) {
	for range packets {
		if _, err := s.Write(l2capPacket(size)); err != nil {
			return sent
		}
		sent++
	}
	return sent
}

func TestL2CAPWriteAboveMTUFails(t *testing.T) {
	l := inL2CAPLab(t)
	l.mtu = 1000
	dialed, accepted := l.connect(t)
	for _, size := range []int{1001, 40 << 10, 1 << 20} {
		if n, err := dialed.Write(l2capPacket(size)); n != 0 || !errors.Is(err, syscall.EMSGSIZE) {
			t.Errorf("a Write of %d bytes returned %d, %v; want 0, EMSGSIZE", size, n, err)
		}
	}
	sendL2CAP(t, dialed, 1000) // the connection continues
	receiveL2CAP(t, accepted, 1000)
}

func TestL2CAPReadReportsTruncation(t *testing.T) {
	dialed, accepted := inL2CAPLab(t).connect(t)
	sendL2CAP(t, dialed, 40<<10)
	sendL2CAP(t, dialed, 7)
	buf := make([]byte, 1000)
	if n, err := accepted.Read(buf); n != len(buf) || !errors.Is(err, syscall.EMSGSIZE) {
		t.Errorf("Read = %d, %v; want %d, EMSGSIZE", n, err, len(buf))
	}
	receiveL2CAP(t, accepted, 7)
}

func TestL2CAPReadTellsEmptyPacketFromEnd(t *testing.T) {
	l := inL2CAPLab(t)
	for round := range 10 {
		dialed, accepted := l.connect(t)
		empty := round % 3
		for range empty {
			sendL2CAP(t, dialed, 0)
		}
		go dialed.Close()
		for range empty {
			receiveL2CAP(t, accepted, 0)
		}
		receiveL2CAPEnd(t, accepted, io.EOF)
		accepted.Close()
	}
}

func TestL2CAPReadDeadline(t *testing.T) {
	dialed, accepted := inL2CAPLab(t).connect(t)
	err := wakesL2CAP(t, func() error {
		_, err := accepted.Read(make([]byte, 1))
		return err
	}, "(*Socket).Read", func() { accepted.SetReadDeadline(time.Unix(1, 0)) })
	if err != os.ErrDeadlineExceeded {
		t.Errorf("Read returned the error %v, want os.ErrDeadlineExceeded", err)
	}
	accepted.SetReadDeadline(time.Time{})
	sendL2CAP(t, dialed, 40<<10)
	receiveL2CAP(t, accepted, 40<<10)
}

// fillL2CAP writes packets over a stalled link until the send buffer is full,
// and returns their number.
func fillL2CAP(t testing.TB, s *btsocket.Socket, size int) (packets int) {
	t.Helper()
	for {
		s.SetWriteDeadline(time.Now().Add(500 * time.Millisecond))
		n, err := s.Write(l2capPacket(size))
		s.SetWriteDeadline(time.Time{})
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded) && n == 0:
			return packets
		case err != nil:
			t.Fatalf("Write = %d, %v", n, err)
		}
		packets++
	}
}

func TestL2CAPWriteWaitsForRoom(t *testing.T) {
	l := inL2CAPLab(t)
	dialed, accepted := l.connect(t)
	l.Stall()
	const size = 30_000
	packets := fillL2CAP(t, dialed, size)
	if packets == 0 {
		t.Fatal("the send buffer takes no packet")
	}
	err := wakesL2CAP(t, func() error {
		_, err := dialed.Write(l2capPacket(size))
		return err
	}, "(*Socket).Write", l.Resume)
	if err != nil {
		t.Errorf("Write returned the error %v", err)
	}
	for range packets + 1 {
		receiveL2CAP(t, accepted, size)
	}
}

// A refused packet wakes the poller: see mayFit in internal/btsocket. A Write
// that retried at each wake-up would use the processor until its deadline.
func TestL2CAPWriteDoesNotSpin(t *testing.T) {
	l := inL2CAPLab(t)
	dialed, _ := l.connect(t)
	l.Stall()
	fillL2CAP(t, dialed, 30_000)
	sendL2CAP(t, dialed, 1000) // fits where the long packet does not
	before := systemTime(t)
	fillL2CAP(t, dialed, 60_000) // 0.5 s
	if spent := systemTime(t) - before; spent > 200*time.Millisecond {
		t.Errorf("a Write that waits takes %v of processor time in the kernel", spent)
	}
}

// systemTime returns the processor time that this process has spent
// in the kernel.
func systemTime(t testing.TB) time.Duration {
	t.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		t.Fatal(err)
	}
	return time.Duration(usage.Stime.Nano())
}

func TestL2CAPWriteThatNeverFits(t *testing.T) {
	dialed, accepted := inL2CAPLab(t).connect(t)
	if err := dialed.SetWriteBuffer(20_000); err != nil {
		t.Fatal(err)
	}
	if n, err := dialed.Write(l2capPacket(60_000)); n != 0 || !errors.Is(err, syscall.ENOBUFS) {
		t.Errorf("Write = %d, %v; want 0, ENOBUFS", n, err)
	}
	sendL2CAP(t, dialed, 1000)
	receiveL2CAP(t, accepted, 1000)
}

func TestL2CAPDialRefused(t *testing.T) {
	l := inL2CAPLab(t)
	if _, err := l.dial(t.Context()); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("got the error %v, want ECONNREFUSED", err)
	}
}

func TestL2CAPDialEndsWithItsContext(t *testing.T) {
	l := inL2CAPLab(t)
	l.listen(t)
	l.Sync()
	l.Stall()
	ctx, cancel := context.WithCancel(t.Context())
	err := wakesL2CAP(t, func() error {
		_, err := l.dial(ctx)
		return err
	}, "(*Socket).awaitConnected", cancel)
	if err != context.Canceled {
		t.Errorf("got the error %v, want context.Canceled", err)
	}
	l.Resume()
	// The page of the cancelled dial may still end in a link that nothing uses,
	// which 6.1 keeps, or be cancelled while later dials fail, as on 6.12.
	l.Unplug()
	l.Plug()
}

func TestL2CAPAcceptDeadlineAndClose(t *testing.T) {
	l := inL2CAPLab(t)
	listener := l.listen(t)
	accept := func() error {
		_, _, err := listener.Accept()
		return err
	}
	late := func() { listener.SetDeadline(time.Unix(1, 0)) }
	if err := wakesL2CAP(t, accept, "(*Listener).Accept", late); err != os.ErrDeadlineExceeded {
		t.Errorf("Accept returned the error %v, want os.ErrDeadlineExceeded", err)
	}
	listener.SetDeadline(time.Time{})
	if err := wakesL2CAP(t, accept, "(*Listener).Accept", func() { listener.Close() }); err != net.ErrClosed {
		t.Errorf("Accept returned the error %v, want net.ErrClosed", err)
	}
	if _, err := l.dial(t.Context()); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("after Close, a dial returned the error %v, want ECONNREFUSED", err)
	}
}

func TestL2CAPListenerCloseEndsPending(t *testing.T) {
	l := inL2CAPLab(t)
	listener := l.listen(t)
	dialed, err := l.dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer dialed.Close()
	if err := listener.Close(); err != nil {
		t.Error(err)
	}
	receiveL2CAPEnd(t, dialed, io.EOF)
}

func TestL2CAPCloseWakesReadAndWrite(t *testing.T) {
	l := inL2CAPLab(t)
	dialed, _ := l.connect(t)
	l.Stall()
	fillL2CAP(t, dialed, 30_000)
	read := hosttest.InBackground(func() error {
		_, err := dialed.Read(make([]byte, 1))
		return err
	})
	write := hosttest.InBackground(func() error {
		_, err := dialed.Write(l2capPacket(30_000))
		return err
	})
	hosttest.AwaitPolling(t, "(*Socket).Read")
	hosttest.AwaitPolling(t, "(*Socket).Write")
	if err := dialed.Close(); err != nil {
		t.Errorf("Close returned the error %v", err)
	}
	for _, woken := range []<-chan error{read, write} {
		if err := hosttest.Receive(t, woken); err != net.ErrClosed {
			t.Errorf("a pending call returned the error %v, want net.ErrClosed", err)
		}
	}
	if err := dialed.Close(); err != net.ErrClosed {
		t.Errorf("the second Close returned the error %v, want net.ErrClosed", err)
	}
}

// The kernel reports the errno before the packets that arrived earlier
// (__skb_try_recv_datagram); Read reports it after them.
func TestL2CAPReadAfterLinkLoss(t *testing.T) {
	for _, tt := range []struct {
		reason uint8
		want   error
	}{
		{0x08, syscall.ETIMEDOUT}, // supervision timeout
		{0x13, io.EOF},            // the peer hung up
	} {
		l := inL2CAPLab(t)
		dialed, accepted := l.connect(t)
		sendL2CAP(t, accepted, 40<<10)
		hosttest.Eventually(t, "a packet is there", func() bool {
			events := int16(0)
			dialed.RawControl(func(fd uintptr) { events = btsocket.PollEvents(fd, unix.POLLIN) })
			return events&unix.POLLIN != 0
		})
		l.Disconnect(tt.reason)
		hosttest.Eventually(t, "the connection ends", func() bool { return !dialed.Connected() })
		receiveL2CAP(t, dialed, 40<<10)
		receiveL2CAPEnd(t, dialed, tt.want)

		dialed, _ = l.connect(t)
		err := wakesL2CAP(t, func() error {
			_, err := dialed.Read(make([]byte, 1))
			return err
		}, "(*Socket).Read", func() { l.Disconnect(tt.reason) })
		if !errors.Is(err, tt.want) {
			t.Errorf("after the reason %#x, Read returned the error %v, want %v", tt.reason, err, tt.want)
		}
		receiveL2CAPEnd(t, dialed, tt.want)
		if _, err := dialed.Write(l2capPacket(1)); err == nil {
			t.Errorf("after the reason %#x, Write returned no error", tt.reason)
		}
	}
}

// handle returns the handle of the dialing adapter's link, for Shutdown.
func (l *l2capLab) handle() (uint16, error) {
	for _, link := range l.LinkEnds() {
		if link.Adapter == labtest.DialerAdapter {
			return link.Handle, nil
		}
	}
	return 0, syscall.ENOTCONN
}

func TestL2CAPShutdownWaitsForPeer(t *testing.T) {
	l := inL2CAPLab(t)
	dialed, accepted := l.connect(t)
	sendL2CAP(t, dialed, 40<<10)
	receiveL2CAP(t, accepted, 40<<10) // the queue is empty
	handle, err := l.handle()
	if err != nil {
		t.Fatal(err)
	}
	l.Stall()
	err = wakesL2CAP(t, func() error {
		return dialed.Shutdown(t.Context(), func() (uint16, error) { return handle, nil })
	}, "(*Socket).awaitDisconnected", l.Resume)
	if err != nil {
		t.Errorf("Shutdown returned the error %v", err)
	}
	receiveL2CAPEnd(t, accepted, io.EOF)
}

func TestL2CAPShutdownSendsEverything(t *testing.T) {
	l := inL2CAPLab(t)
	dialed, accepted := l.connect(t)
	for range 3 {
		sendL2CAP(t, dialed, 30_000)
	}
	if err := dialed.Shutdown(t.Context(), l.handle); err != nil {
		t.Errorf("Shutdown returned the error %v", err)
	}
	for range 3 {
		receiveL2CAP(t, accepted, 30_000)
	}
	receiveL2CAPEnd(t, accepted, io.EOF)
	if err := accepted.Shutdown(t.Context(), l.handle); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the peer's Shutdown returned the error %v, want ECONNRESET", err)
	}
}

func TestL2CAPShutdownEndsWithItsContext(t *testing.T) {
	l := inL2CAPLab(t)
	dialed, _ := l.connect(t)
	l.Stall()
	ctx, cancel := context.WithCancel(t.Context())
	err := wakesL2CAP(t, func() error {
		return dialed.Shutdown(ctx, func() (uint16, error) { return 1, nil })
	}, "(*Socket).awaitDisconnected", cancel)
	if err != context.Canceled {
		t.Errorf("Shutdown returned the error %v, want context.Canceled", err)
	}
}
