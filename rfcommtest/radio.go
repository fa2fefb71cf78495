package rfcommtest

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"
	"time"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/adapter"
	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/btsnoop"
	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/radio"
)

// How many controllers a Radio has.
const (
	minControllers = 2
	maxControllers = 8
)

// What a controller has if a Config does not say otherwise: room for what the
// largest packet carries, as most controllers have.
const (
	defaultACLLength  = 1021
	defaultACLBuffers = 8
)

// Limits of a Config.
const (
	minACLLength  = 27 // of any controller for BR/EDR: what a DH1 packet holds
	maxACLLength  = 1021
	maxACLBuffers = 255
)

// A Config tells how a radio is made. The zero value makes two controllers like
// those that are in most computers.
type Config struct {
	// Controllers is their number, from 2 to 8. 0 means 2.
	Controllers int

	// ACLLength is how many bytes of ACL data the controllers take in one piece,
	// from 27 to 1021, and ACLBuffers how many such pieces they hold, from 1 to
	// 255. 0 means 1021 and 8. Some real controllers have 310 and 10.
	ACLLength, ACLBuffers int

	// PacketTypes are the packets that the controllers say they have. 0 means EDR3.
	// It gives data no time on the air: see [Link.SimulateAirtime].
	PacketTypes PacketTypes

	// Address is the BD_ADDR of the first controller; the others count up from it
	// in the last byte. The zero value means a random one. One kernel cannot have
	// two adapters with the same address.
	Address rfcomm.BDAddr

	// Log takes every packet between the controllers and their adapters, in the
	// form that btmon and Wireshark read (btsnoop). Nil means none.
	//
	// Its Write is called by one goroutine at a time, with the radio's lock held: it
	// must not call methods of the radio, of its controllers or of its links, and a
	// slow one holds all controllers up. What was written, such as a bytes.Buffer, is
	// to be read only after Close has returned.
	Log io.Writer
}

func (c *Config) check() error {
	for _, limit := range []struct {
		name          string
		value         *int
		low, high, by int
	}{
		{"Controllers", &c.Controllers, minControllers, maxControllers, minControllers},
		{"ACLLength", &c.ACLLength, minACLLength, maxACLLength, defaultACLLength},
		{"ACLBuffers", &c.ACLBuffers, 1, maxACLBuffers, defaultACLBuffers},
	} {
		if *limit.value == 0 {
			*limit.value = limit.by
		}
		if *limit.value < limit.low || *limit.value > limit.high {
			return fmt.Errorf("rfcommtest: %s is %d; it can be %d to %d", limit.name, *limit.value, limit.low, limit.high)
		}
	}
	if c.PacketTypes == 0 {
		c.PacketTypes = EDR3
	}
	if c.Address.IsZero() {
		// Locally administered, and no group's.
		rand.Read(c.Address[:]) // never fails
		c.Address[0], c.Address[5] = 0x02, 0
	}
	if last := int(c.Address[5]) + c.Controllers - 1; last > 0xff {
		return fmt.Errorf("rfcommtest: no %d addresses from %s on: the last byte would pass FF", c.Controllers, c.Address)
	}
	return nil
}

// A Radio joins virtual controllers. Its methods, and those of its controllers
// and links, may be called from several goroutines at once.
type Radio struct {
	config      Config
	radio       *radio.Radio
	controllers []*Controller

	log      *btsnoop.Writer // nil: none; guarded by radio's lock, like logError
	logError error

	// Guarded by radio's lock:
	agents map[*radio.Conditions]*adapter.Agent // of the links that were paired
	closed bool                                 // nothing more is made that would have to be closed

	closeOnce sync.Once
	closeErr  error
}

// NewRadio makes controllers and brings them up as adapters that can be found and
// connected to. The caller closes the radio.
//
// Where that cannot be done, because this is not Linux, the kernel has no
// /dev/vhci, or the process may not open it or bring adapters up, the error says
// what is missing and matches errors.ErrUnsupported.
func NewRadio(config Config) (*Radio, error) {
	if err := config.check(); err != nil {
		return nil, err
	}
	if err := available(); err != nil {
		return nil, err
	}
	r := newRadio(config)
	err := r.begin()
	if errors.Is(err, fs.ErrPermission) {
		err = &unavailableError{"run as root", err}
	}
	if err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

// newRadio returns a radio whose controllers are not plugged in yet.
func newRadio(config Config) *Radio {
	r := &Radio{config: config, radio: radio.New(), agents: make(map[*radio.Conditions]*adapter.Agent)}
	if config.Log != nil {
		r.log = btsnoop.NewWriter(config.Log)
	}
	for i := range config.Controllers {
		r.controllers = append(r.controllers, newController(r, i))
	}
	return r
}

// begin brings all adapters up.
func (r *Radio) begin() error {
	for _, c := range r.controllers {
		if err := c.plugIn(); err != nil {
			return err
		}
	}
	return r.each((*Controller).Up)
}

// each does something with all controllers at once.
func (r *Radio) each(do func(*Controller) error) error {
	errs := make([]error, len(r.controllers))
	var group sync.WaitGroup
	for i, c := range r.controllers {
		group.Go(func() { errs[i] = do(c) })
	}
	group.Wait()
	return errors.Join(errs...)
}

// Controllers returns the controllers, in the order of their addresses.
func (r *Radio) Controllers() []*Controller { return append([]*Controller(nil), r.controllers...) }

// Link returns what is between two controllers of the radio, in any order. It
// panics if they are one, or another radio's.
func (r *Radio) Link(a, b *Controller) *Link {
	if a == b || a.radio != r || b.radio != r {
		panic("rfcommtest: Link needs two controllers of its radio")
	}
	r.radio.Lock()
	defer r.radio.Unlock()
	return &Link{r, [2]*Controller{a, b}, r.radio.Conditions(a.address(), b.address())}
}

// settleTime is given to the kernel's RFCOMM thread to drop the sessions over
// links or adapters that are gone; nothing tells when it has.
const settleTime = 100 * time.Millisecond

// Close ends all links and takes the adapters away, for good. Its error is that of
// the log, if writing that failed, or of an adapter that does not go. Further calls
// do nothing, and return the same. It waits for calls of Up, Down, Return, Remove and
// Pair that are under way.
//
// After it [Controller.Up], [Controller.Down], [Controller.Plug] and [Link.Pair]
// fail with an error that says that the radio is closed. All else can still be called,
// and changes nothing; what was transmitted can still be asked for.
func (r *Radio) Close() error {
	r.closeOnce.Do(func() {
		r.radio.Lock()
		r.closed = true
		r.radio.Unlock()
		for _, c := range r.controllers { // nothing changes the adapters meanwhile
			c.mu.Lock()
			defer c.mu.Unlock()
		}
		// The kernel's RFCOMM thread can get stuck, for all adapters, when one
		// vanishes while it closes a connection; so links end first.
		r.hangUp()
		err := r.each((*Controller).remove)
		r.radio.Lock()
		r.radio.Close()
		agents, logError := r.agents, r.logError
		r.radio.Unlock()
		for _, agent := range agents {
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

// hangUp ends all links, as if the other end of each had hung up, and waits until
// the kernel has dropped what ran over them, and over those that ended just before.
func (r *Radio) hangUp() {
	r.radio.Lock()
	for i, a := range r.controllers {
		for _, b := range r.controllers[i+1:] {
			conditions := r.radio.Conditions(a.address(), b.address())
			conditions.Resume()
			conditions.Disconnect(hangUpReason)
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
		time.Sleep(settleTime)
	}
}
