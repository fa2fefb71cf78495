package rfcommtest

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/adapter"
	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/air"
	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/btsnoop"
	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/controller"
	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/hcipacket"
	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/l2cap"
	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/vhci"
)

// closeReason is the reason for which Radio.Close ends the links.
const closeReason = hcipacket.RemoteUserTerminated

// A Controller is a virtual Bluetooth controller. While it is plugged in, the
// kernel has an adapter for it, unless it is that of a [Device].
type Controller struct {
	radio  *Radio
	number int
	core   *controller.Controller // guarded by the radio's lock
	script *l2cap.Host            // in place of the kernel, for a Device

	// mu serializes changes of the adapter. Code that locks several controllers
	// locks those with lower numbers first.
	mu       sync.Mutex
	device   *vhci.Device  // nil while unplugged; written with mu and the radio's lock held
	ended    chan struct{} // closed when serve has returned
	isNew    bool          // the kernel may still be setting up the adapter; guarded by mu
	settings settings      // of the adapter; guarded by mu
}

func newController(r *Radio, number int) *Controller {
	c := &Controller{radio: r, number: number, settings: defaultSettings}
	c.create(r.config.Each[number], fmt.Sprintf("rfcommtest %d", number), c.output)
	return c
}

// create creates the core with the address of the controller's number.
func (c *Controller) create(config ControllerConfig, name string, output func(packet []byte)) {
	address := c.radio.config.Address
	address[5] += byte(c.number)
	c.radio.radio.Lock()
	defer c.radio.radio.Unlock()
	c.core = controller.New(c.radio.radio, c.number, controller.Config{
		Address:     hcipacket.Address(address),
		Name:        name,
		Seen:        controller.Identity{Name: config.Name, Class: config.Class, Response: bytes.Clone(config.EIR)},
		Version:     controller.Version(config.Version),
		Without:     controller.Features(config.Without),
		ACLLength:   config.ACLLength,
		ACLBuffers:  config.ACLBuffers,
		PacketTypes: air.PacketTypes(config.PacketTypes),
		Output:      output,
	})
}

func (c *Controller) address() hcipacket.Address { return c.core.Station().Address() }

// Addr returns the controller's address.
func (c *Controller) Addr() rfcomm.BDAddr { return rfcomm.BDAddr(c.address()) }

// index returns the adapter's index. It reports false if the controller is
// unplugged.
func (c *Controller) index() (index int, ok bool) {
	c.radio.radio.Lock()
	defer c.radio.radio.Unlock()
	if c.device == nil {
		return 0, false
	}
	return c.device.Index(), true
}

// Name returns the name of the kernel's adapter, such as "hci0", or "" if there
// is none because the controller is unplugged or that of a [Device]. Plug can
// change the name.
func (c *Controller) Name() string {
	index, ok := c.index()
	if !ok {
		return ""
	}
	return fmt.Sprintf("hci%d", index)
}

// SetReachable sets whether the controller is in range of the others. The
// default is true. Pages and inquiries to and from an unreachable controller
// are not answered. Existing links are not affected: see [Link.Disconnect] and
// [Link.Stall].
func (c *Controller) SetReachable(reachable bool) {
	c.radio.radio.Lock()
	defer c.radio.radio.Unlock()
	c.core.Station().SetReachable(reachable)
}

// Refuse makes the controller reject every page with the given reason, such as
// LimitedResources. Reason 0 makes it accept pages again, which is the default.
func (c *Controller) Refuse(reason Reason) {
	c.radio.radio.Lock()
	defer c.radio.radio.Unlock()
	c.core.Station().Refusal = hcipacket.Status(reason)
}

// SetPageTimeout sets how long this controller's pages wait for an answer. If
// the timeout is 0, which is the default, the kernel's value applies: 5.12 s.
// Pages that have already started keep their timeout. See also
// [Link.SetPageDelay].
func (c *Controller) SetPageTimeout(timeout time.Duration) {
	c.radio.radio.Lock()
	defer c.radio.radio.Unlock()
	c.core.Station().PageTimeout = timeout
}

// Airtime returns the traffic to and from the controller since the radio was
// created.
func (c *Controller) Airtime() Airtime {
	c.radio.radio.Lock()
	defer c.radio.radio.Unlock()
	return airtimeOf(c.core.Station().Airtime())
}

// Unplug removes the controller's adapter from the kernel, like pulling out a
// USB dongle, and waits until the adapter is gone. The controllers at the other
// ends of its links are not notified: they lose the links when their
// supervision timeouts expire. Unplug does nothing if the controller is already
// unplugged.
func (c *Controller) Unplug() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.script != nil {
		c.script.PowerOff(func() { c.locked(c.core.PowerOff) })
		return nil
	}
	return c.unplug()
}

// unplug is Unplug with c.mu held.
func (c *Controller) unplug() error {
	c.radio.radio.Lock()
	device, agent := c.device, c.radio.agent
	c.device = nil
	if device != nil {
		c.core.PowerOff()
		c.core.ReplaceHost()
		c.radio.logUnplug(device.Index())
	}
	c.radio.radio.Unlock()
	if device == nil {
		return nil
	}
	device.Close()
	<-c.ended
	if agent != nil {
		agent.Release(c.adapterOf(device))
	}
	if err := adapter.AwaitGone(c.adapterOf(device)); err != nil {
		return fmt.Errorf("rfcommtest: unplug %s: %w", c.Addr(), err)
	}
	return nil
}

// Plug plugs an unplugged controller in again, with the same address, and waits
// until its adapter is up and has its settings: see [Controller.SetScan],
// [Controller.SetSimplePairing], [Controller.SetSecureConnections] and
// [Controller.SetPIN]. If the controller is already plugged in, Plug does the
// same as Up.
func (c *Controller) Plug() error {
	if c.script != nil {
		return c.Up()
	}
	if err := c.plugIn(); err != nil {
		return err
	}
	return c.Up()
}

// plugIn creates the kernel's adapter if it does not exist. The kernel numbers
// adapters in the order of their creation.
func (c *Controller) plugIn() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.createAdapter()
}

// createAdapter is plugIn with c.mu held.
func (c *Controller) createAdapter() error {
	if c.device != nil {
		return nil
	}
	if c.radio.isClosed() { // a later Close removes the adapter that is created here
		return errClosed
	}
	device, err := vhci.Open()
	if err != nil {
		return fmt.Errorf("rfcommtest: %w", err)
	}
	c.radio.radio.Lock()
	defer c.radio.radio.Unlock()
	c.device, c.ended, c.isNew = device, make(chan struct{}), true
	c.radio.logPlug(device.Index(), c.address(), fmt.Sprintf("hci%d", device.Index()))
	go c.serve(device, c.ended)
	return nil
}

// Down switches the adapter off, and the controller with it. The kernel's own
// connections over it end at once, with ECONNABORTED; the controllers at the
// other ends of its links notice when their supervision timeouts have passed.
// Down returns an error if the controller is unplugged.
//
// The links end a moment before the adapter goes down, as when bluetoothd
// switches an adapter off (hci_power_off_sync), because HCIDEVDOWN alone can
// ruin an adapter whose links carry data. hci_dev_close_sync drains the
// adapter's workqueue before it ends the links. If the thread of RFCOMM sends
// data meanwhile, __queue_work drops the work that would pass it on, and leaves
// it marked as pending. From then on the adapter sends no data, and
// hci_unregister_dev never returns. Linux 7.1 removes the mark (a7488f089bdf).
func (c *Controller) Down() error {
	if c.script != nil {
		return c.Unplug()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.usable(); err != nil {
		return err
	}
	// hci_dev_close_sync waits for rx_work, which ends the links, before it
	// drains the workqueue.
	c.locked(c.core.CutOff)
	defer c.locked(c.core.PowerOff)
	if err := adapter.TakeDown(c.adapter()); err != nil {
		return fmt.Errorf("rfcommtest: %w", err)
	}
	return nil
}

// Up switches the adapter on and gives it its settings. It returns an error if
// the controller is unplugged; see Plug.
func (c *Controller) Up() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.script != nil {
		if c.script.PowerOn() != nil {
			return errClosed
		}
		return nil
	}
	if err := c.usable(); err != nil {
		return err
	}
	err := c.awaitSetUp()
	if err == nil {
		err = adapter.BringUp(c.adapter(), adapter.Scan(c.settings.scan))
	}
	if err == nil {
		err = c.restorePairing()
	}
	if err != nil {
		return fmt.Errorf("rfcommtest: bring up %s: %w", c.Addr(), err)
	}
	return nil
}

// setUps is the number of times that the kernel may try to set up an adapter.
const setUps = 5

// awaitSetUp waits until the kernel has set up a new adapter. If that fails, it
// replaces the adapter. c.mu is held.
func (c *Controller) awaitSetUp() error {
	for attempt := 1; c.isNew; attempt++ {
		err := adapter.AwaitSetUp(c.adapter())
		if errors.Is(err, adapter.ErrSetUp) && attempt < setUps {
			err = errors.Join(c.unplug(), c.createAdapter())
		} else if err == nil {
			c.isNew = false
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// adapter returns the kernel's adapter. The controller must be plugged in, and
// c.mu is held.
func (c *Controller) adapter() adapter.Adapter { return c.adapterOf(c.device) }

func (c *Controller) adapterOf(device *vhci.Device) adapter.Adapter {
	return adapter.Adapter{Index: device.Index(), Address: c.address()}
}

// locked calls f with the radio's lock held.
func (c *Controller) locked(f func()) {
	c.radio.radio.Lock()
	defer c.radio.radio.Unlock()
	f()
}

// usable returns an error if the controller has no adapter or the radio is
// closed. c.mu is held.
func (c *Controller) usable() error {
	switch {
	case c.radio.isClosed():
		return errClosed
	case c.script != nil:
		return errScripted
	case c.device == nil:
		return errUnplugged
	}
	return nil
}

// errUnplugged is returned by methods that need an adapter.
var errUnplugged = errors.New("rfcommtest: the controller is unplugged; call Plug first")

// errScripted is returned by methods that need an adapter, for a Device.
var errScripted = errors.New("rfcommtest: the controller is that of a Device, which has no adapter in the kernel")

// errClosed is returned by methods that need an adapter, or would create one,
// after Close.
var errClosed = fmt.Errorf("rfcommtest: the radio is closed: %w", net.ErrClosed)

// serve reads the kernel's packets until the device is closed.
func (c *Controller) serve(device *vhci.Device, ended chan<- struct{}) {
	defer close(ended)
	buffer := make([]byte, vhci.MaxPacket)
	for {
		n, err := device.Read(buffer)
		if err != nil {
			return
		}
		packet := append([]byte(nil), buffer[:n]...) // ACL data is referenced until it arrives
		c.input(device, packet)
	}
}

// input passes a packet of the kernel to the controller.
func (c *Controller) input(device *vhci.Device, packet []byte) {
	c.radio.radio.Lock()
	defer c.radio.radio.Unlock()
	if c.device != device {
		return
	}
	c.execute(device.Index(), packet)
}

// execute logs a packet of the host and passes it to the core. The radio's lock
// is held.
func (c *Controller) execute(index int, packet []byte) {
	c.radio.logPacket(index, btsnoop.ToController, packet)
	// An invalid packet is the host's fault. It is in the log.
	_ = c.core.Input(packet)
}

// output passes a packet of the controller to the kernel. The radio's lock is
// held.
func (c *Controller) output(packet []byte) {
	if c.device == nil {
		return
	}
	c.deliver(c.device.Index(), packet)
	// Write fails if the kernel is taking the adapter down.
	_, _ = c.device.Write(packet)
}

// firstScriptedIndex is the index of the first Device in the log. The kernel
// gives its adapters the smallest indexes that are free.
const firstScriptedIndex = 0x8000

// deliver logs a packet for the host. The radio's lock is held.
func (c *Controller) deliver(index int, packet []byte) {
	c.radio.logPacket(index, btsnoop.ToHost, packet)
}
