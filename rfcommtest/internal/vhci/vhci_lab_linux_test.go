package vhci_test

import (
	"errors"
	"os"
	"testing"

	"github.com/go-rfcomm/rfcomm/internal/hci"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/controller"
	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/hcipacket"
	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/vhci"
)

// open creates a controller, or skips the test if it cannot be created.
func open(t *testing.T) *vhci.Device {
	t.Helper()
	if err := vhci.Available(); err != nil {
		t.Skip(err)
	}
	d, err := vhci.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

func TestOpenMakesTheKernelStartSetup(t *testing.T) {
	d := open(t)
	packet := make([]byte, vhci.MaxPacket)
	n, err := d.Read(packet)
	if err != nil {
		t.Fatal(err)
	}
	command, err := hcipacket.ParseCommand(packet[:n])
	if err != nil {
		t.Fatal(err)
	}
	if command.Opcode != controller.Reset && command.Opcode != controller.ReadLocalSupportedFeatures {
		t.Errorf("the kernel started with %v", command.Opcode)
	}
	if _, err := hci.AdapterByIndex(d.Index()); err != nil {
		t.Errorf("the kernel does not know hci%d: %v", d.Index(), err)
	}
}

func TestCloseWakesReadAndRemovesTheAdapter(t *testing.T) {
	d := open(t)
	ended := make(chan error)
	go func() {
		packet := make([]byte, vhci.MaxPacket)
		for {
			if _, err := d.Read(packet); err != nil {
				ended <- err
				return
			}
		}
	}()
	hosttest.AwaitPolling(t, "(*Device).Read")
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if err := hosttest.Receive(t, ended); !errors.Is(err, os.ErrClosed) {
		t.Errorf("Read returned %v", err)
	}
	hosttest.Eventually(t, "the adapter is gone", func() bool {
		_, err := hci.AdapterByIndex(d.Index())
		return err != nil
	})
}
