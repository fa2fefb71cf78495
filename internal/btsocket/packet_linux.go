package btsocket

import (
	"net"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// packets is the state of a Socket that transfers packets (SOCK_SEQPACKET,
// SOCK_DGRAM) rather than a stream. Read returns one packet and Write sends one
// packet; neither cuts or joins them.
//
// recvmsg(2) returns 0 for an empty packet as well as at the end of an L2CAP
// connection (bt_sock_recvmsg). The other results of the call are the same,
// too: the kernel sets neither MSG_EOR nor, for SOCK_SEQPACKET, an address
// (l2cap_sock_init). The state of the socket before and after the call does not
// decide, since the end may arrive in between. newPackets therefore sets
// SO_TIMESTAMP, which makes the kernel add a control message to each packet
// that it returns. At the end there is none. As a side effect, the kernel reads
// the clock for each packet of all network devices while the socket is open
// (net_enable_timestamp).
//
// A user of L2CAP should know three facts (measured on Linux 6.1 and 6.12):
//
//   - Only basic mode, the default of SOCK_SEQPACKET, carries empty packets. In
//     the other modes, the kernel reports success and sends nothing
//     (l2cap_segment_sdu).
//   - In basic mode, Linux sends packets of up to 65535 bytes and receives up to
//     65531.
//   - Basic mode has no flow control: the receiving kernel drops a packet for
//     which the receive buffer has no room, and neither end learns of it.
type packets struct {
	header  unix.Msghdr
	buffer  unix.Iovec
	control [64]byte // a SCM_TIMESTAMP message takes 32 bytes, or 24

	// refused is the size of the send queue when the kernel last refused the
	// packet of the current Write; 0 if it has not. See mayFit.
	refused int
}

// newPackets returns the packets state of a socket, or nil for a stream.
func newPackets(fd int) (*packets, error) {
	kind, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE)
	if err != nil {
		return nil, os.NewSyscallError("getsockopt", err)
	}
	if kind == unix.SOCK_STREAM {
		return nil, nil
	}
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMP, 1); err != nil {
		return nil, os.NewSyscallError("setsockopt", err)
	}
	return new(packets), nil
}

// receive receives one packet into p, without waiting. arrived reports whether
// there was a packet. The error is EMSGSIZE if the packet was longer than p.
//
// The scheduler is informed of the call, unlike in the receive function for
// streams: a receive from an L2CAP socket may send acknowledgments or credits,
// for which it waits for the lock of the channel (l2cap_sock_recvmsg).
func (k *packets) receive(fd uintptr, p []byte) (n int, arrived bool, err error) {
	k.buffer.Base = &p[0]
	k.buffer.SetLen(len(p))
	k.header = unix.Msghdr{Iov: &k.buffer, Control: &k.control[0]}
	k.header.SetIovlen(1)
	k.header.SetControllen(len(k.control))
	got, _, errno := unix.Syscall(unix.SYS_RECVMSG, fd, uintptr(unsafe.Pointer(&k.header)), unix.MSG_DONTWAIT)
	k.buffer.Base = nil
	if errno != 0 {
		return 0, false, errno
	}
	n = int(got)
	raceReceived(p[:n])
	if k.header.Flags&unix.MSG_TRUNC != 0 {
		err = unix.EMSGSIZE
	}
	return n, n > 0 || k.header.Controllen > 0, err
}

// writePacketStep is writeStep for packets: it sends all of the data in one
// call. A packet longer than the peer's MTU fails with EMSGSIZE, and one that
// does not fit into an empty send buffer with ENOBUFS.
func (s *Socket) writePacketStep(fd uintptr) (done bool) {
	for queueWasEmpty := false; s.packets.mayFit(fd); {
		if s.closed.Load() {
			s.write.err = net.ErrClosed
			return true
		}
		n, err := send(fd, s.write.rest)
		switch err {
		case nil:
			s.write.n, s.wrote = n, true
			return true
		case unix.EINTR:
		case unix.EAGAIN:
			queueIsEmpty := s.packets.refuse(fd)
			if queueIsEmpty && queueWasEmpty { // the packet never fits
				s.write.err = os.NewSyscallError("write", unix.ENOBUFS)
				return true
			}
			queueWasEmpty = queueIsEmpty
		default:
			s.write.err = s.writeFailed(fd, err)
			return true
		}
	}
	return false
}

// refuse records that the kernel refused a packet because the send buffer was
// full. It reports whether the send queue is empty now.
func (k *packets) refuse(fd uintptr) (queueIsEmpty bool) {
	var err error
	k.refused, err = sendQueued(fd)
	return err == nil && k.refused == 0
}

// mayFit reports whether the kernel may take the packet of the current Write.
// After the kernel refused it, mayFit returns false until the send queue has
// become shorter or the connection has ended.
//
// The kernel copies a packet into buffers of the length that the controller
// takes until the send buffer is full, and then frees them
// (l2cap_skbuff_fromiovec), which wakes the poller (sock_wfree). Without this
// check, Write would retry in a loop for as long as the radio takes to send the
// queue.
func (k *packets) mayFit(fd uintptr) bool {
	if k.refused == 0 {
		return true
	}
	queued, err := sendQueued(fd)
	return err != nil || queued < k.refused || hungUp(fd)
}
