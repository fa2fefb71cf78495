package hci

import (
	"cmp"
	"errors"
	"os"
	"slices"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm/internal/btsocket"
)

// The requests are _IOR('H', nr, int). The encoding of direction and size by
// _IOR differs between architectures. TIOCGPTN has the same form on all of
// them, so the requests use its upper half.
const (
	requestHigh = unix.TIOCGPTN &^ 0xffff

	hciGetDevList  = requestHigh | 'H'<<8 | 210 // HCIGETDEVLIST
	hciGetDevInfo  = requestHigh | 'H'<<8 | 211 // HCIGETDEVINFO
	hciGetConnList = requestHigh | 'H'<<8 | 212 // HCIGETCONNLIST
)

// The kernel refuses lists that are larger than two pages. Machines have fewer
// adapters and links.
const (
	maxAdapters = 64
	maxLinks    = 256
)

// deviceList is struct hci_dev_list_req.
type deviceList struct {
	number  uint16
	devices [maxAdapters]struct {
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
	linkPolicy uint32
	linkMode   uint32
	aclMTU     uint16
	aclPackets uint16
	scoMTU     uint16
	scoPackets uint16
	statistics [10]uint32
}

// connectionList is struct hci_conn_list_req with its array of struct
// hci_conn_info.
type connectionList struct {
	index       uint16
	number      uint16
	connections [maxLinks]struct {
		handle   uint16
		address  [6]byte // least significant byte first
		kind     uint8
		outgoing uint8
		state    uint16
		mode     uint32
	}
}

const aclLink = 1 // ACL_LINK

// Adapters returns the machine's adapters in the order of their indexes. Errors
// are *os.SyscallError; EAFNOSUPPORT means that the kernel has no Bluetooth, or
// that the process is in a network namespace other than the first.
func Adapters() ([]Adapter, error) {
	fd, err := btsocket.NewSocket(unix.SOCK_RAW, unix.BTPROTO_HCI)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)

	list := deviceList{number: maxAdapters}
	if err := ioctl(fd, hciGetDevList, unsafe.Pointer(&list)); err != nil {
		return nil, err
	}
	adapters := make([]Adapter, 0, list.number)
	for _, device := range list.devices[:list.number] {
		adapter, err := adapterInfo(fd, device.index)
		if errors.Is(err, unix.ENODEV) {
			continue // removed since the list was made
		}
		if err != nil {
			return nil, err
		}
		adapters = append(adapters, adapter)
	}
	slices.SortFunc(adapters, func(a, b Adapter) int { return cmp.Compare(a.Index, b.Index) })
	return adapters, nil
}

// AdapterByIndex returns the adapter with the given index. Errors are
// *os.SyscallError; ENODEV means that the adapter does not exist. The address
// is zero until the kernel has read it from the controller.
func AdapterByIndex(index int) (Adapter, error) {
	fd, err := btsocket.NewSocket(unix.SOCK_RAW, unix.BTPROTO_HCI)
	if err != nil {
		return Adapter{}, err
	}
	defer unix.Close(fd)
	return adapterInfo(fd, uint16(index))
}

// adapterInfo returns the adapter with the given index. fd is an HCI socket.
func adapterInfo(fd int, index uint16) (Adapter, error) {
	info := deviceInfo{index: index}
	if err := ioctl(fd, hciGetDevInfo, unsafe.Pointer(&info)); err != nil {
		return Adapter{}, err
	}
	return Adapter{
		Index:   int(info.index),
		Name:    unix.ByteSliceToString(info.name[:]),
		Address: reversed(info.address),
		Flags:   Flags(info.flags),

		ACLLength: int(info.aclMTU),
		Packets:   info.packets(),
	}, nil
}

// Links returns the established ACL links of the adapter with the given index.
// Errors are *os.SyscallError; ENODEV means that the adapter does not exist.
func Links(index int) ([]Link, error) {
	links, err := AllLinks(index)
	return slices.DeleteFunc(links, func(l Link) bool { return l.State != Connected }), err
}

// AllLinks is like Links, but includes links that are being opened or closed.
func AllLinks(index int) ([]Link, error) {
	fd, err := btsocket.NewSocket(unix.SOCK_RAW, unix.BTPROTO_HCI)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)

	list := connectionList{index: uint16(index), number: maxLinks}
	if err := ioctl(fd, hciGetConnList, unsafe.Pointer(&list)); err != nil {
		return nil, err
	}
	var links []Link
	for _, c := range list.connections[:list.number] {
		if c.kind != aclLink {
			continue
		}
		links = append(links, Link{
			Handle:   c.handle,
			Device:   reversed(c.address),
			Mode:     Mode(c.mode),
			Outgoing: c.outgoing != 0,
			State:    State(c.state),
		})
	}
	return links, nil
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

// reversed converts an address from the kernel's order, the least significant
// byte first, to its written order.
func reversed(address [6]byte) [6]byte {
	slices.Reverse(address[:])
	return address
}
