//go:build linux

package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Requests of a raw HCI socket, from the kernel's include/net/bluetooth/hci_sock.h.
const (
	hciDevUp       = 0x400448c9
	hciDevDown     = 0x400448ca
	hciGetDevList  = 0x800448d2
	hciGetDevInfo  = 0x800448d3
	hciGetConnList = 0x800448d4
	hciSetScan     = 0x400448dd
)

// Arguments of hciSetScan, and bits of an adapter's flags.
const (
	scanDisabled       = 0x00
	scanInquiryAndPage = 0x03

	flagUp       = 1 << 0
	flagInit     = 1 << 1
	flagRunning  = 1 << 2
	flagPageScan = 1 << 3
)

// The opcode of HCI Disconnect.
const commandDisconnect = 0x0406

// An address is a BD_ADDR in written order, the most significant byte first.
type address [6]byte

func (a address) String() string {
	parts := make([]string, len(a))
	for i, b := range a {
		parts[i] = fmt.Sprintf("%02X", b)
	}
	return strings.Join(parts, ":")
}

// addressFromKernel turns around the kernel's order, the least significant
// byte first.
func addressFromKernel(b []byte) address {
	var a address
	for i := range a {
		a[i] = b[len(a)-1-i]
	}
	return a
}

func (a address) kernelOrder() []byte {
	b := make([]byte, len(a))
	for i := range a {
		b[i] = a[len(a)-1-i]
	}
	return b
}

// adapterInfo is the part of the kernel's hci_dev_info that the lab uses.
type adapterInfo struct {
	index   int
	address address
	flags   uint32
}

// A link is one connection of HCIGETCONNLIST.
type link struct {
	handle   uint16
	address  address
	kind     uint8
	outgoing bool
	state    uint16
	mode     uint32
}

func (l link) String() string {
	outgoing := 0
	if l.outgoing {
		outgoing = 1
	}
	return fmt.Sprintf("handle=%d address=%v type=%d out=%d state=%d mode=0x%04x",
		l.handle, l.address, l.kind, outgoing, l.state, l.mode)
}

// hciSocket opens a raw HCI socket, through which the kernel takes requests
// about any adapter.
func hciSocket() (int, error) {
	fd, err := unix.Socket(unix.AF_BLUETOOTH, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.BTPROTO_HCI)
	if err != nil {
		return -1, fmt.Errorf("opening a raw HCI socket: %w", err)
	}
	return fd, nil
}

// hciControl makes one request. The Go runtime's own signals interrupt those
// that wait for the adapter, hence the repetition.
func hciControl(request uint, argument uintptr) error {
	fd, err := hciSocket()
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	for {
		_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), uintptr(request), argument)
		if errno == unix.EINTR {
			continue
		}
		if errno != 0 {
			return errno
		}
		return nil
	}
}

// listAdapters asks the kernel for all adapters. One that goes away between
// the two requests is left out.
func listAdapters() ([]adapterInfo, error) {
	const most = 16
	// struct hci_dev_list_req: the number, then pairs of index and flags.
	var list [4 + 8*most]byte
	binary.NativeEndian.PutUint16(list[0:], most)
	if err := hciControl(hciGetDevList, uintptr(unsafe.Pointer(&list))); err != nil {
		return nil, fmt.Errorf("listing the adapters: %w", err)
	}
	var adapters []adapterInfo
	for i := range int(binary.NativeEndian.Uint16(list[0:])) {
		index := binary.NativeEndian.Uint16(list[4+8*i:])
		// struct hci_dev_info: index, name, address, flags, and more.
		var info [92]byte
		binary.NativeEndian.PutUint16(info[0:], index)
		err := hciControl(hciGetDevInfo, uintptr(unsafe.Pointer(&info)))
		if errors.Is(err, unix.ENODEV) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("asking for adapter hci%d: %w", index, err)
		}
		adapters = append(adapters, adapterInfo{
			index:   int(index),
			address: addressFromKernel(info[10:16]),
			flags:   binary.NativeEndian.Uint32(info[16:]),
		})
	}
	return adapters, nil
}

// setUp brings an adapter up; one that is up already is no error.
func setUp(index int) error {
	err := hciControl(hciDevUp, uintptr(index))
	if err != nil && !errors.Is(err, unix.EALREADY) {
		return fmt.Errorf("bringing hci%d up: %w", index, err)
	}
	return nil
}

func setDown(index int) error {
	if err := hciControl(hciDevDown, uintptr(index)); err != nil {
		return fmt.Errorf("taking hci%d down: %w", index, err)
	}
	return nil
}

func setScan(index int, mode uint32) error {
	// struct hci_dev_req: index and option.
	var request [8]byte
	binary.NativeEndian.PutUint16(request[0:], uint16(index))
	binary.NativeEndian.PutUint32(request[4:], mode)
	if err := hciControl(hciSetScan, uintptr(unsafe.Pointer(&request))); err != nil {
		return fmt.Errorf("setting the scan mode of hci%d: %w", index, err)
	}
	return nil
}

// listLinks asks for the connections of an adapter.
func listLinks(index int) ([]link, error) {
	const most = 16
	// struct hci_conn_list_req: index and number, then the connections.
	var list [4 + 16*most]byte
	binary.NativeEndian.PutUint16(list[0:], uint16(index))
	binary.NativeEndian.PutUint16(list[2:], most)
	if err := hciControl(hciGetConnList, uintptr(unsafe.Pointer(&list))); err != nil {
		return nil, fmt.Errorf("listing the links of hci%d: %w", index, err)
	}
	var links []link
	for i := range int(binary.NativeEndian.Uint16(list[2:])) {
		entry := list[4+16*i:]
		links = append(links, link{
			handle:   binary.NativeEndian.Uint16(entry[0:]),
			address:  addressFromKernel(entry[2:8]),
			kind:     entry[8],
			outgoing: entry[9] != 0,
			state:    binary.NativeEndian.Uint16(entry[10:]),
			mode:     binary.NativeEndian.Uint32(entry[12:]),
		})
	}
	return links, nil
}

// sendDisconnect has an adapter hang up a link with a reason of the Bluetooth
// Core Specification's error codes.
func sendDisconnect(index int, handle uint16, reason uint8) error {
	fd, err := hciSocket()
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if err := unix.Bind(fd, &unix.SockaddrHCI{Dev: uint16(index), Channel: unix.HCI_CHANNEL_RAW}); err != nil {
		return fmt.Errorf("binding to hci%d: %w", index, err)
	}
	packet := []byte{0x01} // the packet type of a command
	packet = binary.LittleEndian.AppendUint16(packet, commandDisconnect)
	packet = append(packet, 3)
	packet = binary.LittleEndian.AppendUint16(packet, handle)
	packet = append(packet, reason)
	if _, err := unix.Write(fd, packet); err != nil {
		return fmt.Errorf("sending a disconnect to hci%d: %w", index, err)
	}
	return nil
}
