package rfcommtest

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/adapter"
	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/btsnoop"
	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/radio"
)

// The number of controllers of a Radio.
const (
	defaultControllers = 2
	maxControllers     = 8
)

// Defaults of a Config. As with most controllers, an ACL packet can be as long
// as the data of the largest baseband packet.
const (
	defaultACLLength  = 1021
	defaultACLBuffers = 8
)

// Limits of a Config.
const (
	minACLLength  = 27 // required of every BR/EDR controller: the data of a DH1 packet
	maxACLLength  = 1021
	maxACLBuffers = 255
)

// A Config holds the options of a Radio. The zero value gives two controllers
// like those in most computers.
type Config struct {
	// Controllers is the number of controllers, from 1 to 8. The default is 2. A
	// negative value means none: the radio then has only the devices that
	// [Radio.NewDevice] adds, and works on every platform.
	Controllers int

	// ACLLength is the maximum number of data bytes in one ACL packet of the
	// kernel, from 27 to 1021. The default is 1021. Some real controllers have
	// 310, with 10 buffers.
	ACLLength int

	// ACLBuffers is the number of ACL packets of the kernel that a controller
	// can hold, from 1 to 255. The default is 8.
	ACLBuffers int

	// PacketTypes is the set of packet types that the controllers support
	// according to their feature bits. The default is EDR3. It does not make
	// data take air time: see [Link.SimulateAirtime].
	PacketTypes PacketTypes

	// Each holds the properties of the controllers, in their order. Controllers
	// beyond its length have the default properties. If Controllers is 0, there
	// are at least as many controllers as elements.
	Each []ControllerConfig

	// Address is the BD_ADDR of the first controller. The addresses of the
	// others count up from it in the last byte. If zero, the address is random.
	// A kernel cannot have two adapters with the same address.
	Address rfcomm.BDAddr

	// Log receives every packet between the controllers and their adapters, in
	// the btsnoop format of btmon and Wireshark. A nil Log disables logging.
	//
	// Write is called by one goroutine at a time, with the radio's lock held.
	// It must not call methods of the radio, its controllers, its devices or its
	// links, and a slow Write delays all controllers. If the log is in memory,
	// such as in a bytes.Buffer, read it only after Close has returned.
	Log io.Writer
}

// check returns an error that names the first invalid field. It replaces zero
// fields by their defaults.
func (c *Config) check() error {
	fewest := 1
	if c.Controllers < 0 {
		fewest = c.Controllers
	}
	if err := checkLimits("Config", []limit{
		{"Controllers", &c.Controllers, fewest, maxControllers, max(defaultControllers, len(c.Each))},
		{"ACLLength", &c.ACLLength, minACLLength, maxACLLength, defaultACLLength},
		{"ACLBuffers", &c.ACLBuffers, 1, maxACLBuffers, defaultACLBuffers},
	}); err != nil {
		return fmt.Errorf("rfcommtest: %w", err)
	}
	c.Controllers = max(c.Controllers, 0)
	if c.PacketTypes == 0 {
		c.PacketTypes = EDR3
	}
	if c.Address.IsZero() {
		// A locally administered address, not a group address.
		rand.Read(c.Address[:]) // never fails
		c.Address[0], c.Address[5] = 0x02, 0
	}
	if last := int(c.Address[5]) + c.Controllers - 1; last > 0xff {
		return fmt.Errorf("rfcommtest: Config.Address %s: the last byte of %d consecutive addresses would exceed FF", c.Address, c.Controllers)
	}
	return c.checkEach()
}

// checkEach checks Each and makes it as long as there are controllers.
func (c *Config) checkEach() error {
	if len(c.Each) > c.Controllers {
		return fmt.Errorf("rfcommtest: Config.Each has %d elements for %d controllers", len(c.Each), c.Controllers)
	}
	each := make([]ControllerConfig, c.Controllers)
	copy(each, c.Each)
	for i := range each {
		if err := each[i].check(fmt.Sprintf("Config.Each[%d]", i), c); err != nil {
			return fmt.Errorf("rfcommtest: %w", err)
		}
	}
	c.Each = each
	return nil
}

// A limit is the range and the default of a field of a config.
type limit struct {
	name          string
	value         *int
	low, high, by int // by is the default
}

// checkLimits returns an error that names the first field out of its range, of
// the config with the given name. It replaces fields that are 0 by their
// defaults.
func checkLimits(config string, limits []limit) error {
	for _, l := range limits {
		if *l.value == 0 {
			*l.value = l.by
		}
		if *l.value < l.low || *l.value > l.high {
			return fmt.Errorf("%s.%s is %d; want %d to %d", config, l.name, *l.value, l.low, l.high)
		}
	}
	return nil
}

// A Radio connects virtual controllers. Its methods, and those of its
// controllers, devices and links, are safe for concurrent use.
type Radio struct {
	config      Config
	radio       *radio.Radio
	controllers []*Controller

	log      *btsnoop.Writer // may be nil; guarded by radio's lock, like logError
	logError error

	// Guarded by radio's lock:
	agent  *adapter.Agent // nil until a controller needs it
	closed bool           // no adapters and no agent may be created any more

	channels atomic.Uint32 // tried by listen so far

	devicesMu sync.Mutex // guards devices; acquired before radio's lock
	devices   []*Device

	closeOnce sync.Once
	closeErr  error
}

// NewRadio creates controllers and brings them up as discoverable and
// connectable adapters. The caller should call Close when finished with the
// radio.
//
// If the machine cannot run a radio, the error matches errors.ErrUnsupported
// and names the cause and a remedy: it is not Linux, the kernel has no
// Bluetooth, no module rfcomm or no /dev/vhci, Bluetooth is blocked by rfkill,
// or the process may not open /dev/vhci or lacks CAP_NET_ADMIN.
func NewRadio(config Config) (*Radio, error) {
	if err := config.check(); err != nil {
		return nil, err
	}
	if config.Controllers > 0 {
		if err := available(); err != nil {
			return nil, err
		}
	}
	r := newRadio(config)
	if err := r.begin(); err != nil {
		r.Close()
		return nil, explain(err, useRemedies)
	}
	return r, nil
}

// newRadio returns a radio whose controllers are not plugged in yet.
func newRadio(config Config) *Radio {
	r := &Radio{config: config, radio: radio.New()}
	if config.Log != nil {
		r.log = btsnoop.NewWriter(config.Log)
	}
	for i := range config.Controllers {
		r.controllers = append(r.controllers, newController(r, i))
	}
	return r
}

// begin plugs in all controllers and brings their adapters up.
func (r *Radio) begin() error {
	for _, c := range r.controllers {
		if err := c.plugIn(); err != nil {
			return err
		}
	}
	return r.each((*Controller).Up)
}

// each calls do for all controllers concurrently.
func (r *Radio) each(do func(*Controller) error) error {
	errs := make([]error, len(r.controllers))
	var group sync.WaitGroup
	for i, c := range r.controllers {
		group.Go(func() { errs[i] = do(c) })
	}
	group.Wait()
	return errors.Join(errs...)
}

// eachDevice calls do for all devices.
func (r *Radio) eachDevice(do func(*Device)) {
	r.devicesMu.Lock()
	defer r.devicesMu.Unlock()
	for _, d := range r.devices {
		do(d)
	}
}

// Controllers returns the controllers that the kernel uses, in the order of
// their addresses.
func (r *Radio) Controllers() []*Controller { return append([]*Controller(nil), r.controllers...) }

// Link returns the Link between two controllers of the radio. Their order only
// matters to [Link.Connect] and [PasskeyEntry]: Link(a, b) and Link(b, a) control
// the same link. Link panics if a and b are the same controller, or if one
// belongs to another radio.
func (r *Radio) Link(a, b *Controller) *Link {
	if a == b || a.radio != r || b.radio != r {
		panic("rfcommtest: Link: not two different controllers of the radio")
	}
	r.radio.Lock()
	defer r.radio.Unlock()
	return &Link{r, [2]*Controller{a, b}, r.radio.Conditions(a.address(), b.address())}
}

// Close ends all links and removes the adapters permanently. It first waits for
// concurrent calls of the methods of Controller and Link that return an error,
// except [Link.Connect]. Close returns an error if writing the log failed or if
// the kernel did not remove an adapter. Further calls do nothing and return the
// same error.
//
// After Close, methods of Controller and Link that return an error return one
// that matches net.ErrClosed, except that a controller can be unplugged. All
// other methods have no effect, but the Airtime methods still return their
// counts.
func (r *Radio) Close() error {
	r.closeOnce.Do(func() {
		r.radio.Lock()
		r.closed = true
		r.radio.Unlock()
		for _, c := range r.controllers { // to keep the adapters unchanged
			c.mu.Lock()
			defer c.mu.Unlock()
		}
		// The kernel's RFCOMM thread can hang, for all adapters, if an adapter
		// disappears while the thread closes a connection. So end the links
		// first.
		r.disconnectAll()
		err := r.each((*Controller).unplug)
		r.eachDevice((*Device).close)
		r.radio.Lock()
		r.radio.Close()
		agent, logError := r.agent, r.logError
		r.radio.Unlock()
		if agent != nil {
			agent.Close()
		}
		r.closeErr = errors.Join(err, logError)
	})
	return r.closeErr
}

func (r *Radio) isClosed() bool {
	r.radio.Lock()
	defer r.radio.Unlock()
	return r.closed
}

// disconnectAll ends all links as if the other end of each had disconnected. It
// waits until the kernel has dropped the connections over these links and over
// those that have just ended.
func (r *Radio) disconnectAll() {
	all := r.Controllers()
	r.eachDevice(func(d *Device) { all = append(all, d.Controller) })
	r.radio.Lock()
	for i, a := range all {
		for _, b := range all[i+1:] {
			conditions := r.radio.Conditions(a.address(), b.address())
			conditions.Resume()
			conditions.Disconnect(closeReason)
		}
	}
	r.radio.Unlock()
	any := false
	for _, c := range r.controllers {
		if index, ok := c.index(); ok {
			adapter.AwaitNoLinks(index)
			any = true
		}
	}
	if any {
		adapter.AwaitRFCOMMIdle()
	}
}
