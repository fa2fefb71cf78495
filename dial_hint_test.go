package rfcomm

import (
	"context"
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-rfcomm/rfcomm/internal/hci"
	"github.com/go-rfcomm/rfcomm/internal/neterr"
	"github.com/go-rfcomm/rfcomm/internal/redial"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

func TestDialFactsHint(t *testing.T) {
	hci0 := Adapter{Name: "hci0", Addr: BDAddr{0x02, 0, 0, 0, 0, 1}, Up: true, PageScan: true}
	hci1 := Adapter{Index: 1, Name: "hci1", Addr: BDAddr{0x02, 0, 0, 0, 0, 2}, Up: true, PageScan: true}
	down, hidden := hci1, hci1
	down.Up, down.PageScan = false, false
	hidden.PageScan = false
	device := Addr{Device: BDAddr{0x66, 0x77, 0x88, 0x99, 0xAA, 0xBB}, Channel: 11}
	configuring := &hci.Link{State: hci.Configuring}
	const self = "a radio does not reach itself; use a second adapter, or try over TCP"
	const closing = "this machine was closing the link to the device, or both devices dialed at once; dial again"

	for name, tt := range map[string]struct {
		errno syscall.Errno
		facts dialFacts
		want  string
		not   string
	}{
		"open in this process":   {syscall.EBUSY, dialFacts{heldHere: true}, "this process has a connection", "another program"},
		"being closed here":      {syscall.EBUSY, dialFacts{closingHere: true}, "this process is still closing", "another program"},
		"open in another":        {syscall.EBUSY, dialFacts{}, "another program has a connection", "this process"},
		"a duplicate here":       {syscall.EBUSY, dialFacts{}, "or this one has a duplicate of its descriptor (from Conn.File or FileConn)", ""},
		"still closing":          {syscall.EBUSY, dialFacts{}, "still closing, which takes up to 40 s", ""},
		"closed here":            {syscall.ECONNRESET, dialFacts{recentlyClosed: true}, "the last connection of this process", "every attempt"},
		"hangs up, once":         {syscall.ECONNRESET, dialFacts{}, "the device hung up, or another program's", "this process"},
		"hangs up, always":       {syscall.ECONNRESET, dialFacts{retried: redial.RetryFor}, "hung up at every attempt", "closing"},
		"waited for pairing":     {syscall.ECONNRESET, dialFacts{lasted: 28 * time.Second}, "hung up after 28s: it asks for pairing or encryption", "closing"},
		"pairing given up":       {syscall.ENOSYS, dialFacts{lasted: 30 * time.Second}, "gave up after 30s, perhaps because nobody confirmed the pairing", ""},
		"refused":                {syscall.ECONNREFUSED, dialFacts{}, "nothing listens on this channel", "reach itself"},
		"refused unencrypted":    {syscall.ECONNREFUSED, dialFacts{link: new(hci.Link)}, "ask for SecurityMedium", ""},
		"refused over encrypted": {syscall.ECONNREFUSED, dialFacts{link: &hci.Link{Mode: hci.Encrypted}}, "(SecurityHigh)", "SecurityMedium"},
		"refused over protected": {syscall.ECONNREFUSED, dialFacts{link: &hci.Link{Mode: hci.Encrypted | hci.FIPS}}, "nothing listens on this channel", "pair"},
		"refused late":           {syscall.ECONNREFUSED, dialFacts{lasted: 10 * time.Second}, "refused after 10s: the device asks for pairing", ""},
		"own address, bound":     {syscall.ECONNREFUSED, dialFacts{local: device.Device}, self, "listens"},
		"own address, not bound": {syscall.EHOSTUNREACH, dialFacts{remote: Addr{Device: hci0.Addr}, adapters: []Adapter{hci0}}, self, "is up"},
		"own address, other down": {syscall.EHOSTUNREACH, dialFacts{remote: Addr{Device: hci0.Addr}, adapters: []Adapter{hci0, down}},
			self, "is up"},
		"none is up":      {syscall.EHOSTUNREACH, dialFacts{adapters: []Adapter{down}}, "no Bluetooth adapter is up", "itself"},
		"own, none is up": {syscall.EHOSTUNREACH, dialFacts{remote: Addr{Device: down.Addr}, adapters: []Adapter{down}}, "no Bluetooth adapter is up", "itself"},
		"may be blocked":  {syscall.EHOSTUNREACH, dialFacts{local: down.Addr, adapters: []Adapter{down}}, "rfkill unblock bluetooth", ""},
		"no adapter":      {syscall.EHOSTUNREACH, dialFacts{adapters: []Adapter{}}, "this machine has no Bluetooth adapter", ""},
		"not known":       {syscall.EHOSTUNREACH, dialFacts{}, "no Bluetooth adapter is up, or not the requested one: switch it on", ""},
		"its own is down": {syscall.EHOSTUNREACH, dialFacts{local: down.Addr, adapters: []Adapter{hci0, down}}, "the adapter hci1 is down", ""},
		"its own is gone": {syscall.EHOSTUNREACH, dialFacts{local: hci1.Addr, adapters: []Adapter{hci0}}, "the adapter has been removed", ""},
		"up again":        {syscall.EHOSTUNREACH, dialFacts{adapters: []Adapter{hci0}}, "the adapter was not up, but is now: dial again", ""},
		"no answer":       {syscall.EHOSTDOWN, dialFacts{adapters: []Adapter{hci0}}, "asleep", "page scan"},
		"bond forgotten":  {syscall.EHOSTDOWN, dialFacts{}, "has forgotten this machine and needs pairing again", ""},
		"LE address":      {syscall.EHOSTDOWN, dialFacts{}, "this is its LE address", ""},
		"second adapter down": {syscall.EHOSTDOWN, dialFacts{remote: Addr{Device: down.Addr}, adapters: []Adapter{hci0, down}},
			"this machine's adapter hci1, which is down", "asleep"},
		"second adapter hidden": {syscall.EHOSTDOWN, dialFacts{remote: Addr{Device: hidden.Addr}, adapters: []Adapter{hci0, hidden}},
			"this machine's adapter hci1, whose page scan is off", "asleep"},
		"question, refused":     {syscall.ECONNREFUSED, dialFacts{link: configuring}, "if one of the devices asks whether to pair", "listens"},
		"question, timed out":   {syscall.ETIMEDOUT, dialFacts{link: configuring}, "if one of the devices asks whether to pair", ""},
		"no answer at all":      {syscall.ETIMEDOUT, dialFacts{}, "", ""},
		"not a matter of facts": {syscall.EACCES, dialFacts{}, "", ""},
		"aborted, its own down": {syscall.ECONNABORTED, dialFacts{local: down.Addr, adapters: []Adapter{hci0, down}}, redial.AdapterAway, "dial again"},
		"aborted, its own gone": {syscall.ECONNABORTED, dialFacts{local: hci1.Addr, adapters: []Adapter{hci0}}, redial.AdapterAway, "dial again"},
		"aborted, none is up":   {syscall.ECONNABORTED, dialFacts{adapters: []Adapter{down}}, redial.AdapterAway, "dial again"},
		"aborted, no adapter":   {syscall.ECONNABORTED, dialFacts{adapters: []Adapter{}}, redial.AdapterAway, "dial again"},
		"aborted, up again":     {syscall.ECONNABORTED, dialFacts{adapterGone: true, adapters: []Adapter{hci0}}, redial.AdapterAway, "dial again"},
		"aborted, its own up":   {syscall.ECONNABORTED, dialFacts{local: hci0.Addr, adapters: []Adapter{hci0, down}}, closing, "adapter"},
		"aborted, one is up":    {syscall.ECONNABORTED, dialFacts{adapters: []Adapter{down, hci0}}, closing, "adapter"},
		"aborted, not known":    {syscall.ECONNABORTED, dialFacts{}, redial.AdapterAway + ", or " + closing, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if tt.facts.remote.Device.IsZero() {
				tt.facts.remote = device
			}
			got := tt.facts.hint(tt.errno)
			if !strings.Contains(got, tt.want) || tt.want == "" && got != "" {
				t.Errorf("%q lacks %q", got, tt.want)
			}
			if tt.not != "" && strings.Contains(got, tt.not) {
				t.Errorf("%q has %q", got, tt.not)
			}
		})
	}
}

// connectError returns the error of an attempt whose connect(2) failed.
func connectError(errno syscall.Errno) error { return os.NewSyscallError(callConnect, errno) }

func TestDialFactsExplainEndsWithTheDial(t *testing.T) {
	refused := connectError(syscall.ECONNREFUSED)
	for name, err := range map[string]error{
		"ended":     neterr.ErrTimeout,
		"cut short": &neterr.Interrupted{Last: refused, Ended: neterr.ErrTimeout},
		"refused":   refused, // at the time of the deadline
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				stuck := make(chan struct{})
				defer close(stuck)
				f := dialFacts{findLink: func(context.Context) *hci.Link { <-stuck; return nil }}
				defer f.lookAhead(ctx)()
				<-ctx.Done()
				began := time.Now()
				got := f.explain(ctx, err)
				if waited := time.Since(began); waited != 0 {
					t.Errorf("waited for %v", waited)
				}
				if strings.Contains(got.Error(), beingSetUp) {
					t.Errorf("%v: names a link that is not known", got)
				}
			})
		})
	}
}

// The context of a dial can also end while its error is being explained.
func TestDialFactsExplainEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		f := dialFacts{findLink: func(ctx context.Context) *hci.Link { <-ctx.Done(); return nil }}
		began := time.Now()
		if got := f.explain(ctx, connectError(syscall.ECONNREFUSED)); !errors.Is(got, syscall.ECONNREFUSED) {
			t.Errorf("got %v, want ECONNREFUSED", got)
		}
		if waited := time.Since(began); waited != time.Second {
			t.Errorf("waited for %v", waited)
		}
	})
}

func TestDialFactsExplainNamesPairing(t *testing.T) {
	refused := connectError(syscall.ECONNREFUSED)
	for name, tt := range map[string]struct {
		err     error
		targets []error
	}{
		"ended":     {neterr.ErrTimeout, []error{os.ErrDeadlineExceeded}},
		"cut short": {&neterr.Interrupted{Last: refused, Ended: neterr.ErrTimeout}, []error{os.ErrDeadlineExceeded, syscall.ECONNREFUSED}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const timeout = time.Second
				ctx, cancel := context.WithTimeout(t.Context(), timeout)
				defer cancel()
				began := time.Now()
				f := dialFacts{findLink: func(context.Context) *hci.Link {
					if at := time.Since(began); at != timeout-lookUpWait {
						t.Errorf("looked for the link after %v", at)
					}
					return &hci.Link{State: hci.Configuring}
				}}
				defer f.lookAhead(ctx)()
				<-ctx.Done()
				synctest.Wait()
				got := f.explain(ctx, tt.err)
				hosttest.WantMatches(t, got, tt.targets, nil)
				if !strings.Contains(got.Error(), pairingFirst) {
					t.Errorf("%v: does not name the question", got)
				}
			})
		})
	}
}

func TestDialFactsLookAheadNeedsADeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := dialFacts{findLink: func(context.Context) *hci.Link { t.Error("looked for the link"); return nil }}
		ctx, cancel := context.WithCancel(t.Context())
		defer f.lookAhead(ctx)()
		time.Sleep(time.Hour)
		cancel()
		if got := f.explain(ctx, context.Canceled); got != context.Canceled {
			t.Errorf("got %v, want context.Canceled", got)
		}

		ctx, cancel = context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		f.lookAhead(ctx)() // the dial has ended
		<-ctx.Done()
		synctest.Wait()
	})
}
