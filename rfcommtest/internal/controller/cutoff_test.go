package controller_test

import (
	"testing"
	"time"

	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/controller"
	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/hcipacket"
)

func TestCutOffEndsConnectionsAndPages(t *testing.T) {
	withHosts(t, func(t *testing.T, a, b, c *host) {
		ofA, ofB := connect(a, b)
		a.locked(func() { a.conditions(b).SetSupervisionTimeout(time.Second) })
		a.begin(controller.CreateConnection, connectTo(absent))
		c.begin(controller.CreateConnection, connectTo(addressOfA))
		a.event(hcipacket.ConnectionRequest)
		a.locked(a.controller.CutOff)
		a.connected(absent, hcipacket.TerminatedByLocalHost)
		a.disconnected(ofA, hcipacket.TerminatedByLocalHost)
		c.connected(addressOfA, hcipacket.PageTimeout)
		b.gone(b.after(time.Second, hcipacket.DisconnectionComplete), ofB, hcipacket.ConnectionTimeout)
		a.expectNothing()
	})
}

func TestCutOffLastsUntilReset(t *testing.T) {
	withHosts(t, func(t *testing.T, a, b, _ *host) {
		a.locked(a.controller.CutOff)
		if status := a.status(controller.CreateConnection, connectTo(addressOfB)); status != hcipacket.TerminatedByLocalHost {
			t.Errorf("HCI_Create_Connection after CutOff: %v", status)
		}
		a.do(controller.WriteScanEnable, hcipacket.Parameters{3})
		b.begin(controller.CreateConnection, connectTo(addressOfA))
		f := b.after(5120*time.Millisecond, hcipacket.ConnectionComplete)
		if status := hcipacket.Status(f.Uint8()); status != hcipacket.PageTimeout {
			t.Errorf("a page from B ended with %v", status)
		}
		a.expectNothing()
		a.do(controller.Reset, nil)
		a.do(controller.WriteScanEnable, hcipacket.Parameters{3})
		ofB, ofA := connect(b, a)
		b.begin(controller.Disconnect, hcipacket.Parameters{}.Handle(ofB).Status(hcipacket.RemoteUserTerminated))
		b.disconnected(ofB, hcipacket.TerminatedByLocalHost)
		a.disconnected(ofA, hcipacket.RemoteUserTerminated)
		connect(a, b)
	})
}
