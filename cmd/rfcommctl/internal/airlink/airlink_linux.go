package airlink

import (
	"fmt"
	"os"
	"slices"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The requests are _IOR('H', nr, int), whose upper half depends on the
// architecture. It is that of TIOCGPTN.
const (
	requestHigh = unix.TIOCGPTN &^ 0xffff

	hciGetDevList  = requestHigh | 'H'<<8 | 210 // HCIGETDEVLIST
	hciGetDevInfo  = requestHigh | 'H'<<8 | 211 // HCIGETDEVINFO
	hciGetConnList = requestHigh | 'H'<<8 | 212 // HCIGETCONNLIST
)

// Options of HCI sockets.
const (
	solHCI    = 0
	hciFilter = 2
)

// deviceList is struct hci_dev_list_req.
type deviceList struct {
	number  uint16
	devices [64]struct {
		index uint16
		flags uint32
	}
}

// deviceInfo is struct hci_dev_info.
type deviceInfo struct {
	index      uint16
	name       [8]byte
	address    [6]byte // least significant byte first
	flags      uint32
	kind       uint8
	features   [8]uint8
	packetType uint32
	_          [14]uint32 // policy, mode, buffers, statistics
}

// linkList is struct hci_conn_list_req with its array of struct hci_conn_info.
type linkList struct {
	index  uint16
	number uint16
	links  [256]struct {
		handle   uint16
		address  [6]byte // least significant byte first
		kind     uint8
		outgoing uint8
		state    uint16
		mode     uint32
	}
}

// filter is struct hci_ufilter.
type filter struct {
	types  uint32
	events [2]uint32
	opcode uint16
}

// LongestPacket returns the number of bytes in the longest packets of the adapter
// with an address.
func LongestPacket(adapter [6]byte) (int, error) {
	fd, err := newSocket()
	if err != nil {
		return 0, err
	}
	defer unix.Close(fd)
	info, err := find(fd, adapter)
	if err != nil {
		return 0, err
	}
	return longestPacket(info.features, info.packetType), nil
}

// newSocket returns an HCI socket.
func newSocket() (int, error) {
	fd, err := unix.Socket(unix.AF_BLUETOOTH, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.BTPROTO_HCI)
	return fd, os.NewSyscallError("socket", err)
}

// find returns the adapter with an address.
func find(fd int, adapter [6]byte) (deviceInfo, error) {
	var list deviceList
	list.number = uint16(len(list.devices))
	if err := ioctl(fd, hciGetDevList, unsafe.Pointer(&list)); err != nil {
		return deviceInfo{}, err
	}
	slices.Reverse(adapter[:])
	for _, d := range list.devices[:list.number] {
		info := deviceInfo{index: d.index}
		if err := ioctl(fd, hciGetDevInfo, unsafe.Pointer(&info)); err == nil && info.address == adapter {
			return info, nil
		}
	}
	return deviceInfo{}, os.NewSyscallError("ioctl", unix.ENODEV)
}

func ioctl(fd int, request uintptr, argument unsafe.Pointer) error {
	for {
		_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), request, uintptr(argument))
		switch errno {
		case 0:
			return nil
		case unix.EINTR:
			continue
		}
		return os.NewSyscallError("ioctl", errno)
	}
}

// A Monitor reads the signal of a link.
type Monitor struct {
	file   *os.File
	handle uint16
}

// Open returns a Monitor of the link between an adapter and a device.
func Open(adapter, device [6]byte) (*Monitor, error) {
	fd, err := newSocket()
	if err != nil {
		return nil, err
	}
	handle, err := setUp(fd, adapter, device)
	if err != nil {
		unix.Close(fd)
		return nil, err
	}
	return &Monitor{os.NewFile(uintptr(fd), "hci"), handle}, nil
}

// setUp binds a socket to an adapter, and returns the handle of a link.
func setUp(fd int, adapter, device [6]byte) (uint16, error) {
	info, err := find(fd, adapter)
	if err != nil {
		return 0, err
	}
	handle, err := handleOf(fd, info.index, device)
	if err != nil {
		return 0, err
	}
	f := filter{types: 1 << eventPacket, events: [2]uint32{1 << commandComplete}}
	if err := unix.SetsockoptString(fd, solHCI, hciFilter, unsafe.String((*byte)(unsafe.Pointer(&f)), unsafe.Sizeof(f))); err != nil {
		return 0, os.NewSyscallError("setsockopt", err)
	}
	return handle, os.NewSyscallError("bind", unix.Bind(fd, &unix.SockaddrHCI{Dev: info.index, Channel: unix.HCI_CHANNEL_RAW}))
}

// handleOf returns the controller's number for the link to a device.
func handleOf(fd int, index uint16, device [6]byte) (uint16, error) {
	list := linkList{index: index}
	list.number = uint16(len(list.links))
	if err := ioctl(fd, hciGetConnList, unsafe.Pointer(&list)); err != nil {
		return 0, err
	}
	slices.Reverse(device[:])
	const acl = 1 // ACL_LINK
	for _, l := range list.links[:list.number] {
		if l.kind == acl && l.address == device {
			return l.handle, nil
		}
	}
	return 0, os.NewSyscallError("ioctl", unix.ENOTCONN)
}

// Read reads the signal. It waits for the controller at most until the deadline.
func (m *Monitor) Read(deadline time.Time) (Signal, error) {
	if err := m.file.SetDeadline(deadline); err != nil {
		return Signal{}, err
	}
	if err := m.discard(); err != nil {
		return Signal{}, err
	}
	rssi, err := m.ask(readRSSI)
	if err != nil {
		return Signal{}, fmt.Errorf("reading the RSSI: %w", err)
	}
	quality, err := m.ask(readLinkQuality)
	if err != nil {
		return Signal{}, fmt.Errorf("reading the link quality: %w", err)
	}
	return Signal{int(int8(rssi)), int(quality)}, nil
}

// discard discards the answers that came after an earlier deadline.
func (m *Monitor) discard() error {
	raw, err := m.file.SyscallConn()
	if err != nil {
		return err
	}
	packet := make([]byte, 260)
	return raw.Read(func(fd uintptr) bool {
		for {
			if n, err := unix.Read(int(fd), packet); n <= 0 && err != unix.EINTR {
				return true
			}
		}
	})
}

// ask sends a command and returns the value in its answer. Other programs' answers
// can arrive, too.
func (m *Monitor) ask(opcode uint16) (byte, error) {
	if _, err := m.file.Write(command(opcode, m.handle)); err != nil {
		return 0, err
	}
	packet := make([]byte, 260)
	for {
		n, err := m.file.Read(packet)
		if err != nil {
			return 0, err
		}
		if value, ok, err := answer(packet[:n], opcode, m.handle); ok {
			return value, err
		}
	}
}

// Close closes the Monitor.
func (m *Monitor) Close() error { return m.file.Close() }
