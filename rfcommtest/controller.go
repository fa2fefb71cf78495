package rfcommtest

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/adapter"
	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/air"
	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/btsnoop"
	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/controller"
	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/hcipacket"
	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/vhci"
)

// hangUpReason is what the ends of a link are told at the end of a radio.
const hangUpReason = hcipacket.RemoteUserTerminated

// A Controller is a virtual Bluetooth controller. While it is there, the kernel
// has an adapter for it.
type Controller struct {
	radio  *Radio
	number int
	core   *controller.Controller // guarded by the radio's lock

	// One change of the adapter at a time. Whoever takes several takes those of lower
	// numbers first.
	mu     sync.Mutex
	device *vhci.Device  // nil while removed; changes with both locks held
	ended  chan struct{} // closed when nothing reads from the device any more
}

func newController(r *Radio, number int) *Controller {
	c := &Controller{radio: r, number: number}
	address := r.config.Address
	address[5] += byte(number)
	r.radio.Lock()
	defer r.radio.Unlock()
	c.core = controller.New(r.radio, number, controller.Config{
		Address:     hcipacket.Address(address),
		Name:        fmt.Sprintf("rfcommtest %d", number),
		ACLLength:   r.config.ACLLength,
		ACLBuffers:  r.config.ACLBuffers,
		PacketTypes: air.PacketTypes(r.config.PacketTypes),
		Output:      c.output,
	})
	return c
}

func (c *Controller) address() hcipacket.Address { return c.core.Station().Address() }

// Addr returns the controller's address.
func (c *Controller) Addr() rfcomm.BDAddr { return rfcomm.BDAddr(c.address()) }

// index returns the adapter's index, if the controller is there.
func (c *Controller) index() (index int, ok bool) {
	c.radio.radio.Lock()
	defer c.radio.radio.Unlock()
	if c.device == nil {
		return 0, false
	}
	return c.device.Index(), true
}

// Name returns the name of the kernel's adapter, such as "hci0", or "" while the
// controller is removed. After Plug it can be another than before.
func (c *Controller) Name() string {
	index, ok := c.index()
	if !ok {
		return ""
	}
	return fmt.Sprintf("hci%d", index)
}

// SetReachable says whether the controller can be heard, as it is at first. If it
// is not, pages and inquiries to and from it go unanswered. Its links stay: see
// [Link.Disconnect] and [Link.Stall].
func (c *Controller) SetReachable(reachable bool) {
	c.radio.radio.Lock()
	defer c.radio.radio.Unlock()
	c.core.Station().SetReachable(reachable)
}

// Refuse has the controller turn down every page for a reason, such as
// LimitedResources. Reason 0 ends that.
func (c *Controller) Refuse(reason Reason) {
	c.radio.radio.Lock()
	defer c.radio.radio.Unlock()
	c.core.Station().Refusal = hcipacket.Status(reason)
}

// SetPageTimeout sets how long the controller's own pages wait for an answer. 0
// means as long as the kernel says, which is 5.12 s. Pages under way keep what was
// set when they began.
func (c *Controller) SetPageTimeout(timeout time.Duration) {
	c.radio.radio.Lock()
	defer c.radio.radio.Unlock()
	c.core.Station().PageTimeout = timeout
}

// Airtime returns what was transmitted to and from the controller since the start:
// see [Airtime].
func (c *Controller) Airtime() Airtime {
	c.radio.radio.Lock()
	defer c.radio.radio.Unlock()
	return airtimeOf(c.core.Station().Airtime())
}

// Unplug takes the controller away, as if it was unplugged, and waits until the
// kernel has forgotten its adapter. The controllers at the other ends of its links
// are not told: they notice when their supervision timeouts have passed. A
// controller that is removed already stays so.
func (c *Controller) Unplug() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.remove()
}

// remove is Remove with c.mu held.
func (c *Controller) remove() error {
	c.radio.radio.Lock()
	device := c.device
	c.device = nil
	if device != nil {
		c.core.PowerOff()
		c.radio.logRemoval(device.Index())
	}
	c.radio.radio.Unlock()
	if device == nil {
		return nil
	}
	device.Close()
	<-c.ended
	if err := adapter.AwaitGone(device.Index(), c.address()); err != nil {
		return fmt.Errorf("rfcommtest: removing %s: %w", c.Addr(), err)
	}
	return nil
}

// Plug brings a removed controller back, with the same address, and waits until
// its adapter is up and can be connected to. If the controller is there, its
// adapter is brought up, as by Up.
func (c *Controller) Plug() error {
	if err := c.plugIn(); err != nil {
		return err
	}
	return c.Up()
}

// plugIn gives the kernel an adapter, unless it has one. The kernel numbers them in
// this order.
func (c *Controller) plugIn() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.device != nil {
		return nil
	}
	if c.radio.isClosed() { // if it is closed later, Close removes what comes now
		return errClosed
	}
	device, err := vhci.Open()
	if err != nil {
		return fmt.Errorf("rfcommtest: %w", err)
	}
	c.radio.radio.Lock()
	defer c.radio.radio.Unlock()
	c.device, c.ended = device, make(chan struct{})
	c.radio.logReturn(device.Index(), c.address(), fmt.Sprintf("hci%d", device.Index()))
	go c.serve(device, c.ended)
	return nil
}

// Down switches the adapter off, and the controller with it. The kernel's own
// connections over it end at once, with ECONNABORTED; the controllers at the other
// ends of its links notice when their supervision timeouts have passed.
//
// The links end a moment before the adapter goes down, as when bluetoothd switches an
// adapter off (hci_power_off_sync), because HCIDEVDOWN alone can ruin an adapter whose
// links carry data. hci_dev_close_sync drains the adapter's workqueue before it ends
// the links. If the thread of RFCOMM sends data meanwhile, __queue_work drops the work
// that would pass it on, and leaves it marked as pending. From then on the adapter
// sends no data, and hci_unregister_dev never returns. Linux 7.1 removes the mark
// (a7488f089bdf).
func (c *Controller) Down() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.usable(); err != nil {
		return err
	}
	// hci_dev_close_sync waits for rx_work, which ends the links, before it drains the
	// workqueue.
	c.locked(c.core.CutOff)
	defer c.locked(c.core.PowerOff)
	if err := adapter.TakeDown(c.device.Index()); err != nil {
		return fmt.Errorf("rfcommtest: %w", err)
	}
	return nil
}

// Up switches the adapter on again, so that it can be connected to.
func (c *Controller) Up() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.usable(); err != nil {
		return err
	}
	if err := adapter.BringUp(c.device.Index(), c.address()); err != nil {
		return fmt.Errorf("rfcommtest: bringing up %s: %w", c.Addr(), err)
	}
	return nil
}

// locked calls f with the radio's lock held.
func (c *Controller) locked(f func()) {
	c.radio.radio.Lock()
	defer c.radio.radio.Unlock()
	f()
}

// usable tells why the adapter cannot be changed, if it cannot. Mu is held.
func (c *Controller) usable() error {
	switch {
	case c.radio.isClosed():
		return errClosed
	case c.device == nil:
		return errRemoved
	}
	return nil
}

// errRemoved is for what needs an adapter.
var errRemoved = errors.New("rfcommtest: the controller is removed; return it first")

// errClosed is for what needs an adapter after the radio's end, or would outlive it.
var errClosed = errors.New("rfcommtest: the radio is closed")

// serve takes the kernel's packets until the device is closed.
func (c *Controller) serve(device *vhci.Device, ended chan<- struct{}) {
	defer close(ended)
	buffer := make([]byte, vhci.MaxPacket)
	for {
		n, err := device.Read(buffer)
		if err != nil {
			return
		}
		packet := append([]byte(nil), buffer[:n]...) // data stays in it until it has arrived
		c.input(device, packet)
	}
}

// input hands the controller a packet of the kernel.
func (c *Controller) input(device *vhci.Device, packet []byte) {
	c.radio.radio.Lock()
	defer c.radio.radio.Unlock()
	if c.device != device {
		return
	}
	c.radio.logPacket(device.Index(), btsnoop.ToController, packet)
	// What is wrong with it is the kernel's fault, and in the log.
	_ = c.core.Input(packet)
}

// output hands the kernel a packet of the controller. The radio's lock is held.
func (c *Controller) output(packet []byte) {
	if c.device == nil {
		return
	}
	c.radio.logPacket(c.device.Index(), btsnoop.ToHost, packet)
	// It fails if the kernel takes the adapter down meanwhile.
	_, _ = c.device.Write(packet)
}
