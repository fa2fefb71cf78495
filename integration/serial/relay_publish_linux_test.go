package serial_test

import (
	"context"
	"errors"
	"testing"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/bluez"
	"github.com/go-rfcomm/rfcomm/internal/test/conntest"
	"github.com/go-rfcomm/rfcomm/internal/test/daemons"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
	"github.com/go-rfcomm/rfcomm/internal/test/labtest"
	"github.com/go-rfcomm/rfcomm/rfcommtest"
	"github.com/go-rfcomm/rfcomm/sdp"
	"github.com/go-rfcomm/rfcomm/serial"
)

// A relay that bluetoothd publishes is found as a serial port. An unpaired device
// gets an encrypted link, because no agent asks a person.
func TestRelayServePublished(t *testing.T) {
	requireLab(t)
	leavesNoDevice(t)
	lab := labtest.Require(t)
	lab.Unplug()
	both := rfcommtest.Require(t, rfcommtest.Config{}).Controllers()
	daemons.Bluetoothd(t, daemons.Options{})
	t.Cleanup(lab.Plug) // package daemons expects the adapters when it ends bluetoothd
	l, err := bluez.Listen(t.Context(), &bluez.ListenOptions{Name: "Thermometer", Security: rfcomm.SecurityMedium})
	if err != nil {
		t.Fatal(err)
	}
	port, instrument := newPipe()
	ctx, cancel := context.WithCancel(t.Context())
	ended := hosttest.InBackground(func() error {
		return (&serial.Relay{Open: opens(port)}).Serve(ctx, l)
	})
	d := sdp.Dialer{RFCOMM: rfcomm.Dialer{
		LocalAddr: rfcomm.Addr{Device: both[0].Addr()},
		Security:  rfcomm.SecurityMedium,
	}}
	for range 2 {
		conn, err := d.Dial(t.Context(), both[1].Addr(), sdp.SerialPort)
		if err != nil {
			t.Fatal(err)
		}
		conntest.Send(t, conn, "measure")
		conntest.Receive(t, instrument, "measure")
		conntest.Send(t, instrument, "20.5 C")
		conntest.Receive(t, conn, "20.5 C")
		conn.Close()
	}
	cancel()
	if err := hosttest.Receive(t, ended); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if conn, err := d.Dial(t.Context(), both[1].Addr(), sdp.SerialPort); err == nil {
		conn.Close()
		t.Error("the service is still published after the end of Serve")
	}
}
