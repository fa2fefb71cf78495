package mgmt

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Commands and events, from include/net/bluetooth/mgmt.h.
const (
	readIndexList         = 0x0003
	setDiscoverable       = 0x0006
	setDeviceClass        = 0x000E
	setLocalName          = 0x000F
	startDiscovery        = 0x0023
	stopDiscovery         = 0x0024
	getConnectionInfo     = 0x0031
	startLimitedDiscovery = 0x0041

	deviceFound = 0x0012
	discovering = 0x0013
)

// rejected is the status of Stop Discovery if there is none.
const rejected = 0x0B

// Info describes an adapter, as the kernel has read it from the controller.
type Info struct {
	Address   [6]byte // the most significant byte first
	Version   uint8   // of the Core Specification
	Supported uint32  // settings, such as SimplePairing
	Class     uint32
	Name      string
}

// Settings that the controller supports.
const (
	SimplePairing     = 1 << 6
	SecureConnections = 1 << 11
)

// ReadInfo puts an adapter under the control of the management interface and
// describes it. While the kernel is still setting up a new adapter, ReadInfo
// waits.
func (m *Socket) ReadInfo(index int) (Info, error) {
	var p []byte
	err := m.eventually(fmt.Sprintf("hci%d to be managed", index), func() (err error) {
		p, err = m.call(readInfo, index)
		return err
	})
	const size = 6 + 1 + 2 + 4 + 4 + 3 + 249 + 11
	if err == nil && len(p) < size {
		err = fmt.Errorf("hci%d: information of %d bytes", index, len(p))
	}
	if err != nil {
		return Info{}, err
	}
	return Info{
		Address:   addressIn(p),
		Version:   p[6],
		Supported: binary.LittleEndian.Uint32(p[9:]),
		Class:     classIn(p[17:]),
		Name:      textIn(p[20:][:249]),
	}, nil
}

// Lists reports whether the management interface lists an adapter. It does not list
// one whose set-up is in progress or has failed. Lists does not put the adapter
// under the control of the interface.
func (m *Socket) Lists(index int) (bool, error) {
	p, err := m.call(readIndexList, noAdapter)
	if err != nil {
		return false, err
	}
	for i := 2; i+2 <= len(p); i += 2 { // after their number
		if int(binary.LittleEndian.Uint16(p[i:])) == index {
			return true, nil
		}
	}
	return false, nil
}

// SetName sets the name of an adapter that is under the control of the
// management interface. The kernel writes it to the controller and, if Secure
// Simple Pairing is on, to the extended inquiry response.
func (m *Socket) SetName(index int, name string) error {
	p := make([]byte, 249+11)
	copy(p[:248], name)
	return m.do(setLocalName, index, p...)
}

// SetClass sets the major and the minor device class of an adapter.
func (m *Socket) SetClass(index int, major, minor uint8) error {
	return m.do(setDeviceClass, index, major, minor)
}

// SetLimitedDiscoverable makes an adapter connectable and, for the given number
// of seconds, discoverable in the limited mode, in which it answers general and
// limited inquiries.
func (m *Socket) SetLimitedDiscoverable(index int, seconds uint8) error {
	const limited = 2
	if err := m.do(setConnectable, index, 1); err != nil {
		return err
	}
	return m.do(setDiscoverable, index, limited, seconds, 0)
}

// RSSI returns the received signal strength of a connection, as the controller
// reports it: for BR/EDR, relative to the golden range.
func (m *Socket) RSSI(index int, device [6]byte) (int8, error) {
	p, err := m.call(getConnectionInfo, index, append(kernelOrder(device), addressTypeBREDR)...)
	if err == nil && len(p) < 8 {
		err = fmt.Errorf("hci%d: connection information of %d bytes", index, len(p))
	}
	if err != nil {
		return 0, err
	}
	return int8(p[7]), nil
}

// A Device is a device that an adapter has discovered.
type Device struct {
	Address [6]byte // the most significant byte first
	RSSI    int8    // in dBm
	Data    []byte  // the extended inquiry response, to which the kernel adds the class
}

// Types of data in Device.Data.
const (
	dataName  = 0x09
	dataClass = 0x0D
)

// Name returns the device's complete name, or "" if it is not known.
func (d Device) Name() string { return string(d.data(dataName)) }

// Class returns the device's Class of Device, or 0 if it is not known.
func (d Device) Class() uint32 {
	if class := d.data(dataClass); len(class) == 3 {
		return classIn(class)
	}
	return 0
}

// data returns the data of a type, or nil.
func (d Device) data(kind byte) []byte {
	rest := d.Data
	for len(rest) > 1 && rest[0] != 0 && int(rest[0]) < len(rest) {
		next := rest[1:][:rest[0]]
		if next[0] == kind {
			return next[1:]
		}
		rest = rest[1+len(next):]
	}
	return nil
}

// Discover runs a discovery of BR/EDR devices, as bluetoothd does. It calls
// found for each event about a device, until found returns false or the kernel
// ends the discovery. A limited discovery finds only devices in limited
// discoverable mode.
func (m *Socket) Discover(index int, limited bool, found func(Device) bool) error {
	const bredr = 1 << 0
	start := uint16(startDiscovery)
	if limited {
		start = startLimitedDiscovery
	}
	events, stop := m.discoveryEvents(index)
	defer stop()
	if err := m.do(start, index, bredr); err != nil {
		return fmt.Errorf("starting a discovery on hci%d: %w", index, err)
	}
	for searching := true; ; {
		select {
		case device, ok := <-events:
			if !ok {
				return nil // the discovery has ended
			}
			if !searching || found(device) {
				continue
			}
			searching = false
			err := m.do(stopDiscovery, index, bredr)
			var refused *commandError
			if err != nil && !(errors.As(err, &refused) && refused.status == rejected) {
				return fmt.Errorf("stopping a discovery on hci%d: %w", index, err)
			}
		case <-m.ended:
			return fmt.Errorf("the management socket ended during a discovery: %w", m.readErr)
		case <-time.After(patience):
			return fmt.Errorf("a discovery on hci%d did not end within %v", index, patience)
		}
	}
}

// discoveryEvents returns a channel that receives the devices of a discovery
// which has not begun yet, and is closed at its end. The channel drops devices
// that are not received in time.
func (m *Socket) discoveryEvents(index int) (events <-chan Device, stop func()) {
	devices := make(chan Device, 256)
	begun, ended := false, false
	stop = m.observe(index, func(event uint16, p []byte) {
		switch {
		case ended:
		case event == deviceFound && len(p) >= 14:
			select {
			case devices <- Device{Address: addressIn(p), RSSI: int8(p[7]), Data: bytes.Clone(p[14:])}:
			default:
			}
		case event == discovering && len(p) >= 2 && p[1] != 0:
			begun = true
		case event == discovering && len(p) >= 2 && begun:
			ended = true
			close(devices)
		}
	})
	return devices, stop
}

// call sends a command, waits for its reply, and returns the reply's
// parameters.
func (m *Socket) call(opcode uint16, index int, parameters ...byte) ([]byte, error) {
	var reply []byte
	stop := m.observe(index, func(event uint16, p []byte) {
		if event == commandComplete && len(p) >= 3 && binary.LittleEndian.Uint16(p) == opcode {
			reply = bytes.Clone(p[3:])
		}
	})
	err := m.do(opcode, index, parameters...)
	stop()
	return reply, err
}

// An observer receives the events of one adapter.
type observer struct {
	index  int
	notify func(event uint16, parameters []byte)
}

// observe calls notify with the events of an adapter until stop is called. The
// events arrive there before their other effects.
func (m *Socket) observe(index int, notify func(event uint16, parameters []byte)) (stop func()) {
	o := &observer{index, notify}
	m.observing.Lock()
	defer m.observing.Unlock()
	m.observers = append(m.observers, o)
	return func() {
		m.observing.Lock()
		defer m.observing.Unlock()
		m.observers = slices.DeleteFunc(m.observers, func(other *observer) bool { return other == o })
	}
}

// observed passes an event to the observers.
func (m *Socket) observed(event uint16, index int, parameters []byte) {
	m.observing.Lock()
	defer m.observing.Unlock()
	for _, o := range m.observers {
		if o.index == index {
			o.notify(event, parameters)
		}
	}
}

// addressIn decodes an address in the kernel's order.
func addressIn(p []byte) [6]byte {
	address := [6]byte(p)
	slices.Reverse(address[:])
	return address
}

// classIn decodes a Class of Device.
func classIn(p []byte) uint32 {
	return uint32(p[0]) | uint32(p[1])<<8 | uint32(p[2])<<16
}

// textIn decodes text that ends with a zero byte.
func textIn(p []byte) string {
	text, _, _ := bytes.Cut(p, []byte{0})
	return string(text)
}
