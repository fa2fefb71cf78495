package inquiry

import (
	"errors"
	"io"
	"os"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm/internal/btsocket"
)

// Options of HCI sockets (include/net/bluetooth/hci_sock.h).
const (
	solHCI    = 0 // SOL_HCI
	hciFilter = 2 // HCI_FILTER
)

// filter is struct hci_ufilter. It selects the packets that the kernel passes to
// a raw socket. At first it selects none.
type filter struct {
	types  uint32    // bits are the types of packets
	events [2]uint32 // bits are the codes of events, modulo 64
	opcode uint16    // of commands whose answers are passed; 0 means all
}

// newFilter returns a filter that passes the given events.
func newFilter(codes []eventCode) filter {
	f := filter{types: 1 << eventPacket}
	for _, code := range codes {
		f.events[code>>5&1] |= 1 << (code & 31)
	}
	return f
}

// A socket is a raw HCI socket of one adapter. Read and Write transfer one
// packet. Errors are *os.SyscallError, except os.ErrClosed.
type socket struct{ file *os.File }

// openSocket opens a socket of the adapter with the given index.
func openSocket(index int) (io.ReadWriteCloser, error) {
	fd, err := btsocket.NewSocket(unix.SOCK_RAW, unix.BTPROTO_HCI)
	if err != nil {
		return nil, err
	}
	if err := setUp(fd, index); err != nil {
		unix.Close(fd)
		return nil, err
	}
	file := os.NewFile(uintptr(fd), "hci")
	// If the poller refuses the descriptor, for example because of epoll's limit
	// on watches, os.NewFile silently falls back to blocking calls.
	if err := file.SetDeadline(time.Time{}); err != nil {
		file.Close()
		return nil, os.NewSyscallError("epoll_ctl", unix.ENOSPC)
	}
	return &socket{file}, nil
}

// setUp binds a new socket and sets its filter.
func setUp(fd, index int) error {
	f := newFilter(eventCodes)
	bytes := unsafe.String((*byte)(unsafe.Pointer(&f)), unsafe.Sizeof(f))
	if err := unix.SetsockoptString(fd, solHCI, hciFilter, bytes); err != nil {
		return os.NewSyscallError("setsockopt", err)
	}
	address := &unix.SockaddrHCI{Dev: uint16(index), Channel: unix.HCI_CHANNEL_RAW}
	return os.NewSyscallError("bind", unix.Bind(fd, address))
}

func (s *socket) Read(p []byte) (int, error) {
	n, err := s.file.Read(p)
	return n, syscallError("read", err)
}

func (s *socket) Write(p []byte) (int, error) {
	n, err := s.file.Write(p)
	return n, syscallError("write", err)
}

func (s *socket) Close() error { return s.file.Close() }

// syscallError converts the error of a file.
func syscallError(call string, err error) error {
	var errno unix.Errno
	if errors.As(err, &errno) {
		return os.NewSyscallError(call, errno)
	}
	return err
}
