// Package vhci opens /dev/vhci, the Linux kernel's device for virtual Bluetooth
// controllers (drivers/bluetooth/hci_vhci.c). The process that opens the device
// acts as the controller. The kernel's adapter exists until the device is
// closed.
package vhci

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"syscall"

	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/hcipacket"
)

// path is the path of the device.
const path = "/dev/vhci"

// MaxPacket is the length of the longest packet from the kernel: the packet's
// kind, and a frame of the driver, which holds 1024 bytes of ACL data and their
// header.
const MaxPacket = 1 + 1028

// A Device is the host side of one controller: Read returns packets of the
// host, and Write sends packets to the host. Each call transfers one packet,
// preceded by its kind. One Read and one Write may run concurrently.
type Device struct {
	file  *os.File
	index uint16
	early [][]byte // packets that arrived during Open
}

// setUp requests a primary controller: the packet's second byte has no flags.
var setUp = []byte{byte(hcipacket.KindVendor), 0x00}

// Available reports why the device cannot be opened, or nil if it exists, has a
// driver, and may be opened. It does not create a controller.
func Available() error {
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return file.Close()
}

// Open creates a controller. The kernel starts to set up its adapter at once,
// and waits a few seconds for each answer.
func Open() (*Device, error) {
	d, err := open()
	for attempt := 1; attempt < openAttempts && errors.Is(err, syscall.EBADFD); attempt++ {
		d, err = open()
	}
	return d, err
}

// openAttempts limits the attempts to set up a controller. One fails if this process
// waits for a processor between open(2) and write(2) for a second: the driver then
// makes a controller of its own (vhci_open_timeout), which close(2) removes.
const openAttempts = 5

func open() (*Device, error) {
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	d := &Device{file: file}
	if err := d.begin(); err != nil {
		file.Close()
		return nil, fmt.Errorf("setting up %s: %w", path, err)
	}
	return d, nil
}

func (d *Device) begin() error {
	if _, err := d.file.Write(setUp); err != nil {
		return err
	}
	for {
		packet := make([]byte, MaxPacket)
		n, err := d.file.Read(packet)
		if err != nil {
			return err
		}
		packet = packet[:n]
		if n == 0 || hcipacket.Kind(packet[0]) != hcipacket.KindVendor {
			// The kernel starts the adapter before it answers.
			d.early = append(d.early, packet)
			continue
		}
		if n != 4 {
			return fmt.Errorf("unexpected answer of the kernel: % x", packet)
		}
		d.index = binary.LittleEndian.Uint16(packet[2:])
		return nil
	}
}

// Index returns the adapter's index: 0 for hci0.
func (d *Device) Index() int { return int(d.index) }

// Read reads one packet of the host.
func (d *Device) Read(packet []byte) (int, error) {
	if len(d.early) > 0 {
		n := copy(packet, d.early[0])
		d.early = d.early[1:]
		return n, nil
	}
	return d.file.Read(packet)
}

// Write sends one packet to the host.
func (d *Device) Write(packet []byte) (int, error) { return d.file.Write(packet) }

// Close removes the controller, as if it were unplugged. It makes Read return.
func (d *Device) Close() error { return d.file.Close() }
