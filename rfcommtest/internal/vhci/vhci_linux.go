// Package vhci opens the Linux kernel's device for virtual Bluetooth
// controllers, /dev/vhci (drivers/bluetooth/hci_vhci.c). Who holds it open is
// the controller: the kernel's adapter exists until it is closed.
package vhci

import (
	"encoding/binary"
	"fmt"
	"os"

	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/hcipacket"
)

// path is the device.
const path = "/dev/vhci"

// MaxPacket is the number of bytes of the longest packet that the kernel gives:
// the driver's frames hold 1024 bytes of ACL data with their header, and the
// packet's kind.
const MaxPacket = 1 + 1028

// A Device is one controller, seen from the kernel's side: it reads what the
// host sends. Read and Write take one packet each, with its kind in front, and
// one Read and one Write may be called at the same time.
type Device struct {
	file  *os.File
	index uint16
	early [][]byte // what came before Read was there to take it
}

// setUp asks for a primary controller: the packet's second byte has no flags.
var setUp = []byte{byte(hcipacket.KindVendor), 0x00}

// Available tells whether the device is there, with a driver, and may be opened. It
// makes no controller.
func Available() error {
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return file.Close()
}

// Open makes a controller. The kernel begins to set its adapter up at once, and
// waits some seconds for each answer.
func Open() (*Device, error) {
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
			// The kernel runs the adapter before it answers.
			d.early = append(d.early, packet)
			continue
		}
		if n != 4 {
			return fmt.Errorf("the kernel answered % x", packet)
		}
		d.index = binary.LittleEndian.Uint16(packet[2:])
		return nil
	}
}

// Index returns the adapter's index: 0 for hci0.
func (d *Device) Index() int { return int(d.index) }

// Read reads a packet of the host.
func (d *Device) Read(packet []byte) (int, error) {
	if len(d.early) > 0 {
		n := copy(packet, d.early[0])
		d.early = d.early[1:]
		return n, nil
	}
	return d.file.Read(packet)
}

// Write gives the host a packet.
func (d *Device) Write(packet []byte) (int, error) { return d.file.Write(packet) }

// Close takes the controller away, as if it was unplugged. It wakes Read.
func (d *Device) Close() error { return d.file.Close() }
