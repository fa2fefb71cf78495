package rfcommtest

import (
	"context"
	"fmt"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/hcipacket"
	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/l2cap"
)

// A Device is a scripted device: a controller that no kernel uses. A test opens
// and accepts L2CAP channels at the device, and can thus play peers with strange
// behavior, such as an SDP server with malformed records or an RFCOMM
// multiplexer that answers wrongly. A device reaches the controllers and the
// other devices of its radio. [Radio.Link] returns the link to one of them:
//
//	link := radio.Link(phone, device.Controller)
//
// A Device accepts every link and every pairing. It pairs without user
// interaction ("just works"), or by a PIN if one of the two devices does not use
// Secure Simple Pairing. By default, it uses Secure Simple Pairing, and its PIN
// is 0000: see [Controller.SetSimplePairing] and [Controller.SetPIN]. It keeps
// its keys until the radio is closed.
//
// Of the methods of Controller, Down and Unplug both switch a device off, as if
// its battery had been removed. Up and Plug switch it on again. Listeners remain
// open meanwhile. Methods that need an adapter of the kernel, such as
// [Link.Pair] and [Link.Connect], return an error. After [Radio.Close], errors
// match net.ErrClosed.
type Device struct {
	*Controller
}

// NewDevice adds a device to the radio and switches it on. Its address is the
// next one after those of the controllers and earlier devices. NewDevice panics
// if the config is invalid or if no such address is left.
func (r *Radio) NewDevice(config ControllerConfig) *Device {
	if err := config.check("config", &r.config); err != nil {
		panic("rfcommtest: NewDevice: " + err.Error())
	}
	r.devicesMu.Lock()
	defer r.devicesMu.Unlock()
	number := len(r.controllers) + len(r.devices)
	if last := int(r.config.Address[5]) + number; last > 0xff {
		panic(fmt.Sprintf("rfcommtest: NewDevice: the last byte of the %dth address after %s would exceed FF", number, r.config.Address))
	}
	d := &Device{newScripted(r, number, config)}
	r.devices = append(r.devices, d)
	if r.isClosed() {
		d.close()
		return d
	}
	d.script.PowerOn()
	return d
}

// close ends the device. Its controller sends nothing any more, so that none of
// its timers writes to the log.
func (d *Device) close() {
	d.script.Close()
	d.locked(d.core.PowerOff)
}

// newScripted returns a controller whose host is an l2cap.Host.
func newScripted(r *Radio, number int, config ControllerConfig) *Controller {
	c := &Controller{radio: r, number: number, settings: defaultSettings}
	index := firstScriptedIndex + number
	c.script = l2cap.New(l2cap.Config{
		ACLLength: config.ACLLength, ACLBuffers: config.ACLBuffers,
		Input: func(packet []byte) {
			r.radio.Lock()
			defer r.radio.Unlock()
			c.execute(index, packet)
		},
	})
	c.create(config, fmt.Sprintf("device %d", number), func(packet []byte) {
		c.deliver(index, packet)
		c.script.Output(packet)
	})
	c.locked(func() { r.logPlug(index, c.address(), c.core.Name()) })
	return c
}

// DialL2CAP opens a channel to a service of another device or controller, after
// making a link to it if necessary. A PSM is the number of a service, such as 1
// for SDP and 3 for RFCOMM. If both hosts have enabled Secure Simple Pairing,
// DialL2CAP encrypts the link first, except for SDP, as the specification
// requires (Volume 3, Part C, section 5.2.2.8).
//
// If the peer does not answer requests over the link, DialL2CAP waits until ctx
// is done.
//
// The errors are *net.OpError. They match syscall.ECONNREFUSED if the peer
// refuses the channel or the page, syscall.EHOSTDOWN after a page timeout, and
// syscall.EACCES after a failed authentication.
func (d *Device) DialL2CAP(ctx context.Context, peer rfcomm.BDAddr, psm uint16) (*L2CAPConn, error) {
	conn, err := d.script.Dial(ctx, hcipacket.Address(peer), psm)
	if err != nil {
		return nil, l2capNetwork.OpError("dial", L2CAPAddr{Device: d.Addr()}, L2CAPAddr{peer, psm}, err)
	}
	return &L2CAPConn{conn, d}, nil
}

// ListenL2CAP makes the device accept channels to a PSM. The error matches
// syscall.EADDRINUSE if the device has a listener on the PSM.
func (d *Device) ListenL2CAP(psm uint16) (*L2CAPListener, error) {
	l, err := d.script.Listen(psm)
	if err != nil {
		return nil, l2capNetwork.OpError("listen", nil, L2CAPAddr{d.Addr(), psm}, err)
	}
	return &L2CAPListener{l, d, psm}, nil
}

// SetMTU sets the length of the largest packet that the device accepts on
// channels that are opened from now on, from 48 to 65535. The default is 672.
// SetMTU panics if mtu is out of range.
func (d *Device) SetMTU(mtu int) {
	if mtu < l2cap.MinMTU || mtu > l2cap.MaxMTU {
		panic(fmt.Sprintf("rfcommtest: SetMTU: MTU is %d; want %d to %d", mtu, l2cap.MinMTU, l2cap.MaxMTU))
	}
	d.script.SetMTU(mtu)
}

// HandleFrame sets a function that receives each L2CAP frame before the device
// does: its channel identifier, which is 1 for signalling, and its payload. If f
// returns true, the device ignores the frame. A test can thus leave requests
// unanswered, or answer them by SendFrame. The device handles no packets until f
// has returned. [Radio.Close] waits for f, which therefore must not call it. A
// nil f ends this.
func (d *Device) HandleFrame(f func(peer rfcomm.BDAddr, cid uint16, payload []byte) (handled bool)) {
	if f == nil {
		d.script.Intercept(nil)
		return
	}
	d.script.Intercept(func(peer hcipacket.Address, cid uint16, payload []byte) bool {
		return f(rfcomm.BDAddr(peer), cid, payload)
	})
}

// SendFrame sends any L2CAP frame, such as a malformed signalling command, after
// making a link to the peer if necessary. Unlike Write, it never waits for
// earlier packets. The error matches syscall.EMSGSIZE if the payload is longer
// than 65535 bytes.
func (d *Device) SendFrame(ctx context.Context, peer rfcomm.BDAddr, cid uint16, payload []byte) error {
	if err := d.script.SendFrame(ctx, hcipacket.Address(peer), cid, payload); err != nil {
		return l2capNetwork.OpError("write", L2CAPAddr{Device: d.Addr()}, L2CAPAddr{Device: peer}, err)
	}
	return nil
}
