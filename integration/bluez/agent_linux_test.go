package bluez_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/go-rfcomm/rfcomm/bluez"
	"github.com/go-rfcomm/rfcomm/rfcommtest"
	"github.com/go-rfcomm/rfcomm/sdp"
)

// A person is an agent that answers as the fields say, and remembers the
// questions. The zero value refuses everything.
type person struct {
	pin     string
	agrees  bool                                   // confirms and authorizes
	reads   *person                                // enters the passkey that this person is shown
	ponders func(ctx context.Context, what string) // called before each answer

	mu        sync.Mutex
	questions []string
	shown     chan uint32 // passkeys; nil unless another person reads them
}

var errNo = errors.New("no, thanks")

// asked records a question, and returns an error if the person does not agree.
func (p *person) asked(ctx context.Context, what string) error {
	p.mu.Lock()
	p.questions = append(p.questions, what)
	p.mu.Unlock()
	if p.ponders != nil {
		p.ponders(ctx, what)
	}
	if !p.agrees {
		return errNo
	}
	return nil
}

// takeQuestions returns the questions since the last call.
func (p *person) takeQuestions() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	questions := fmt.Sprint(p.questions)
	p.questions = nil
	return questions
}

// wantAsked checks the questions since the last call. Empty means that any will
// do.
func (p *person) wantAsked(t testing.TB, want string) {
	t.Helper()
	if got := p.takeQuestions(); want != "" && got != want {
		t.Errorf("the agent was asked %s, want %s", got, want)
	}
}

func (p *person) RequestPINCode(ctx context.Context, _ *bluez.Device) (string, error) {
	return p.pin, p.asked(ctx, "PIN?")
}

func (p *person) DisplayPINCode(ctx context.Context, _ *bluez.Device, pin string) error {
	return p.asked(ctx, "PIN")
}

func (p *person) RequestPasskey(ctx context.Context, _ *bluez.Device) (uint32, error) {
	err := p.asked(ctx, "passkey?")
	if p.reads == nil {
		return 0, err
	}
	select {
	case passkey := <-p.reads.shown:
		return passkey, err
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

func (p *person) DisplayPasskey(ctx context.Context, _ *bluez.Device, passkey uint32, _ uint16) error {
	if p.shown != nil {
		p.shown <- passkey
	}
	return p.asked(ctx, "passkey")
}

func (p *person) ConfirmPasskey(ctx context.Context, _ *bluez.Device, _ uint32) error {
	return p.asked(ctx, "same?")
}

func (p *person) AuthorizePairing(ctx context.Context, _ *bluez.Device) error {
	return p.asked(ctx, "pair?")
}

func (p *person) AuthorizeService(ctx context.Context, _ *bluez.Device, _ sdp.UUID) error {
	return p.asked(ctx, "service?")
}

// meet discovers the controller far from near.
func (a *air) meet(t testing.TB, c *bluez.Client, far *rfcommtest.Controller) *bluez.Device {
	t.Helper()
	// bluetoothd turns page scan off when it forgets the last bond.
	if err := far.SetScan(rfcommtest.InquiryScan | rfcommtest.PageScan); err != nil {
		t.Fatal(err)
	}
	adapter := adapterOf(t, c, a.near)
	for found, err := range adapter.Discover(t.Context(), &bluez.DiscoverOptions{NoNameWait: true}) {
		if err != nil {
			t.Fatal(err)
		}
		if found.Addr == far.Addr() {
			break
		}
	}
	d, err := adapter.Device(t.Context(), far.Addr())
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// forget removes the bond of near and far at both ends, with the devices.
func (a *air) forget(t testing.TB, c *bluez.Client, far *rfcommtest.Controller) {
	t.Helper()
	for _, ends := range [][2]*rfcommtest.Controller{{a.near, far}, {far, a.near}} {
		adapter, err := c.Adapter(t.Context(), ends[0].Addr())
		if errors.Is(err, bluez.ErrNoAdapter) {
			continue // a scripted device
		}
		if err != nil {
			t.Fatal(err)
		}
		d, err := adapter.Device(t.Context(), ends[1].Addr())
		if err == nil {
			err = d.Remove(t.Context())
		}
		if err != nil && !errors.Is(err, bluez.ErrGone) {
			t.Fatal(err)
		}
	}
}

// userAgent makes a person the default agent, in another program's place, until
// the end of the test.
func userAgent(t testing.TB, p *person, capability bluez.Capability) *bluez.AgentRegistration {
	t.Helper()
	r, err := connect(t).RegisterAgent(t.Context(), p, bluez.AgentOptions{Capability: capability, Default: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}
