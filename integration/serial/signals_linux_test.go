package serial_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"text/tabwriter"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
	"github.com/go-rfcomm/rfcomm/serial"
)

// portPair returns two ttys that RFCOMM joins.
func portPair(t testing.TB) (a, b *serial.Port) {
	t.Helper()
	dialed, accepted := newAir(t).connect(t)
	return newPort(t, dialed), newPort(t, accepted)
}

// awaitSignals waits until a tty has the signals.
func awaitSignals(t testing.TB, what string, p *serial.Port, want serial.Signals) {
	t.Helper()
	hosttest.Eventually(t, fmt.Sprintf("%s: %s has %v", what, p.Name(), want), func() bool {
		got, err := p.Signals()
		if err != nil {
			t.Fatal(err)
		}
		return got == want
	})
}

// kernelSignals returns the signals of a tty as the kernel reports them.
func kernelSignals(t testing.TB, tty *os.File) serial.Signals {
	t.Helper()
	var signals serial.Signals
	control(t, tty, func(fd int) error {
		bits, err := unix.IoctlGetInt(fd, unix.TIOCMGET)
		for signal, bit := range map[serial.Signals]int{
			serial.DTR: unix.TIOCM_DTR, serial.RTS: unix.TIOCM_RTS, serial.DSR: unix.TIOCM_DSR,
			serial.CTS: unix.TIOCM_CTS, serial.RI: unix.TIOCM_RI, serial.CD: unix.TIOCM_CD,
		} {
			if bits&bit != 0 {
				signals |= signal
			}
		}
		return err
	})
	return signals
}

// kernelReports returns the signals that the kernel reports for a tty that has some,
// before and after its commit 91d35ec9b395: DTR and RTS are those of the peer, or RTS
// is DTR. docs/serial.md has both.
func kernelReports(s serial.Signals) (before, after serial.Signals) {
	before = s &^ (serial.DTR | serial.RTS)
	after = before
	if s&serial.DSR != 0 {
		before |= serial.DTR
	}
	if s&serial.CTS != 0 {
		before |= serial.RTS
	}
	if s&serial.DTR != 0 {
		after |= serial.RTS
	}
	return before, after
}

// TestPortSignalsAtBothEnds prints the table of docs/serial.md.
func TestPortSignalsAtBothEnds(t *testing.T) {
	const (
		both   = serial.DTR | serial.RTS
		inputs = serial.DSR | serial.CTS | serial.CD
	)
	a, b := portPair(t)
	kernelA, kernelB := openNode(t, a.Name()), openNode(t, b.Name())
	var table strings.Builder
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "action on A\tA\tB\tkernel's A\tkernel's B")
	before, after := true, true // of the kernel's commit; see kernelReports
	for _, step := range []struct {
		action       string
		set, clear   serial.Signals
		wantA, wantB serial.Signals
	}{
		{"none", 0, 0, both | inputs, both | inputs},
		{"clear DTR", 0, serial.DTR, serial.RTS | inputs, both | serial.CTS | serial.CD},
		{"set DTR, clear RTS", serial.DTR, serial.RTS, serial.DTR | inputs, both | serial.DSR | serial.CD},
		{"clear DTR", 0, serial.DTR, inputs, both | serial.CD},
		{"set RTS", serial.RTS, 0, serial.RTS | inputs, both | serial.CTS | serial.CD},
		{"set DTR", serial.DTR, 0, both | inputs, both | inputs},
	} {
		if err := a.SetSignals(step.set, step.clear); err != nil {
			t.Fatal(err)
		}
		awaitSignals(t, step.action, b, step.wantB)
		awaitSignals(t, step.action, a, step.wantA)
		reportA, reportB := kernelSignals(t, kernelA), kernelSignals(t, kernelB)
		fmt.Fprintf(w, "%s\t%v\t%v\t%v\t%v\n", step.action, step.wantA, step.wantB, reportA, reportB)
		beforeA, afterA := kernelReports(step.wantA)
		beforeB, afterB := kernelReports(step.wantB)
		before = before && reportA == beforeA && reportB == beforeB
		after = after && reportA == afterA && reportB == afterB
	}
	w.Flush()
	t.Log("\n" + table.String())
	if !before && !after {
		t.Error("the kernel reports other signals than docs/serial.md has")
	}
}

func TestPortSignalsOfBothEndsMeet(t *testing.T) {
	a, b := portPair(t)
	if err := errors.Join(a.SetSignals(0, serial.DTR), b.SetSignals(0, serial.RTS)); err != nil {
		t.Fatal(err)
	}
	awaitSignals(t, "A cleared DTR, B RTS", a, serial.RTS|serial.DSR|serial.CD)
	awaitSignals(t, "A cleared DTR, B RTS", b, serial.DTR|serial.CTS|serial.CD)
	// Data passes without RTS and DTR.
	if err := a.SetSignals(0, serial.DTR|serial.RTS); err != nil {
		t.Fatal(err)
	}
	transfer(t, a, b, []byte("data"))
	transfer(t, b, a, []byte("data"))
}

// A peer without a tty sends the signals of a new connection.
func TestPortSetSignalsRefusesInputs(t *testing.T) {
	dialed, _ := newAir(t).connect(t)
	p := newPort(t, dialed)
	err := p.SetSignals(serial.RI, serial.DTR)
	if err == nil || !strings.Contains(err.Error(), "cannot set or clear RI: only DTR and RTS are outputs") {
		t.Errorf("the error is %v, want one that names RI", err)
	}
	const want = serial.DTR | serial.RTS | serial.DSR | serial.CTS | serial.CD
	if got, err := p.Signals(); err != nil || got != want {
		t.Errorf("the signals are %v, %v, want %v", got, err, want)
	}
}

func TestPortSignalsAfterEnd(t *testing.T) {
	a, b := portPair(t)
	b.Close()
	hosttest.Eventually(t, "Signals fails", func() bool { _, err := a.Signals(); return err != nil })
	_, err := a.Signals()
	for _, err := range []error{err, a.SetSignals(0, serial.DTR)} {
		hosttest.WantErrno(t, err, syscall.ECONNRESET)
	}
	a.Close()
	if _, err := a.Signals(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("after Close, the error is %v, want net.ErrClosed", err)
	}
}

func TestChangesOfPort(t *testing.T) {
	a, b := portPair(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	steps := []struct{ set, clear, want serial.Signals }{
		{0, serial.RTS, serial.DSR | serial.CD},
		{0, serial.DTR, serial.CD},
		{serial.DTR | serial.RTS, 0, serial.DSR | serial.CTS | serial.CD},
	}
	awaitSignals(t, "begin", b, serial.DTR|serial.RTS|serial.DSR|serial.CTS|serial.CD)
	var got []serial.Signals
	for signals, err := range serial.Changes(ctx, b, 0) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, signals&^(serial.DTR|serial.RTS))
		if len(got) > len(steps) {
			break
		}
		step := steps[len(got)-1]
		if err := a.SetSignals(step.set, step.clear); err != nil {
			t.Fatal(err)
		}
	}
	want := []serial.Signals{serial.DSR | serial.CTS | serial.CD, steps[0].want, steps[1].want, steps[2].want}
	if !slices.Equal(got, want) {
		t.Errorf("the changes are %v, want %v", got, want)
	}
}
