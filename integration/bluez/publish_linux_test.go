package bluez_test

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"testing"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/bluez"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
	"github.com/go-rfcomm/rfcomm/rfcommtest"
	"github.com/go-rfcomm/rfcomm/sdp"
)

func init() {
	programs["publish"] = runPublish
	programs["rounds"] = runRounds
}

// printReport prints a report of a publication or a listener.
func printReport(err error) {
	if err == nil {
		fmt.Println("published again")
		return
	}
	fmt.Println("report:", err)
}

// runPublish publishes a serial port, with a name and a channel, until ctx ends.
func runPublish(ctx context.Context, arguments []string) error {
	channel, err := strconv.Atoi(arguments[1])
	if err != nil {
		return err
	}
	p, err := bluez.Publish(ctx, sdp.NewSerialPort(arguments[0], channel), &bluez.PublishOptions{Report: printReport})
	if err != nil {
		return err
	}
	fmt.Println("published")
	<-ctx.Done()
	if err := p.Close(); err != nil {
		return err
	}
	fmt.Println("withdrawn")
	return nil
}

// runRounds publishes a serial port and withdraws it, many times.
func runRounds(ctx context.Context, arguments []string) error {
	rounds, err := strconv.Atoi(arguments[0])
	if err != nil {
		return err
	}
	for range rounds {
		p, err := bluez.Publish(ctx, sdp.NewSerialPort("round", 18), &bluez.PublishOptions{Report: printReport})
		if err != nil {
			return err
		}
		if err := p.Close(); err != nil {
			return err
		}
	}
	fmt.Println("done")
	return nil
}

// hasNames reports whether a search finds serial ports with these names alone, in
// this order. It makes the device answer pages, which bluetoothd turns off at some
// time after an adapter was plugged in.
func (a *air) hasNames(t *testing.T, from, of *rfcommtest.Controller, want ...string) bool {
	t.Helper()
	if err := of.SetScan(rfcommtest.PageScan); err != nil {
		t.Fatal(err)
	}
	d := sdp.Dialer{RFCOMM: rfcomm.Dialer{LocalAddr: rfcomm.Addr{Device: from.Addr()}}}
	records, err := d.Search(t.Context(), of.Addr(), sdp.SerialPort)
	var names []string
	for _, r := range records {
		names = append(names, r.Name())
	}
	return err == nil && slices.Equal(names, want)
}

// wantNames waits until both adapters have serial ports with these names alone.
// While Publish checks an adapter, it has the record twice.
func (a *air) wantNames(t *testing.T, want ...string) {
	t.Helper()
	for _, at := range [][2]*rfcommtest.Controller{{a.near, a.far}, {a.far, a.near}} {
		hosttest.Eventually(t, fmt.Sprintf("%s has the serial ports %q", at[1].Name(), want), func() bool {
			return a.hasNames(t, at[0], at[1], want...)
		})
	}
}

func TestPublish(t *testing.T) {
	forEachBlueZ(t, func(t *testing.T, a *air) {
		t.Run("found", func(t *testing.T) {
			p := startAsNobody(t, "publish", "Thermometer", "18")
			p.wantLine("published")
			a.wantNames(t, "Thermometer")
			a.wantFoundByOthers(t, "Thermometer", "18")
			second := startAsNobody(t, "publish", "Barometer", "19")
			second.wantLine("published")
			a.wantNames(t, "Thermometer", "Barometer")
			if complaints := p.end(); complaints != "" {
				t.Error(complaints)
			}
			a.wantNames(t, "Barometer")
		})
		t.Run("rounds", func(t *testing.T) {
			rounds := "100"
			if testing.Short() {
				rounds = "10"
			}
			p := startAsNobody(t, "rounds", rounds)
			p.wantLine("done")
			a.wantNames(t)
		})
		t.Run("invalid record", func(t *testing.T) { testInvalidRecord(t, a) })
		t.Run("elements", func(t *testing.T) { testElements(t, a) })
		t.Run("no browse group", func(t *testing.T) { testNotBrowsed(t, a) })
		t.Run("killed", func(t *testing.T) { testKilled(t, a) })
	})
}
