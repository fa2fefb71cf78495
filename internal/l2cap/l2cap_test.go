package l2cap

import (
	"context"
	"errors"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/hci"
	"github.com/go-rfcomm/rfcomm/internal/neterr"
	"github.com/go-rfcomm/rfcomm/internal/redial"
)

var (
	device  = rfcomm.BDAddr{0x01, 0x23, 0x45, 0x67, 0x89, 0xAB}
	adapter = rfcomm.BDAddr{0x02, 0, 0, 0, 0, 1}
)

func TestAddrString(t *testing.T) {
	for want, a := range map[string]Addr{
		"[01:23:45:67:89:AB]:1": {device, 1},
		"[01:23:45:67:89:AB]":   {device, 0},
		":4097":                 {PSM: 0x1001},
		":0":                    {},
	} {
		if got := a.String(); got != want {
			t.Errorf("%#v is %q, want %q", a, got, want)
		}
	}
}

func TestDialRefusesBadValues(t *testing.T) {
	done, cancel := context.WithCancel(t.Context())
	cancel()
	for name, tt := range map[string]struct {
		ctx   context.Context
		raddr Addr
		want  string
	}{
		"no device":    {t.Context(), Addr{PSM: 1}, "missing device address"},
		"PSM 0":        {t.Context(), Addr{Device: device}, "invalid PSM 0x0000"},
		"even PSM":     {t.Context(), Addr{device, 0x1002}, "invalid PSM 0x1002"},
		"odd high PSM": {t.Context(), Addr{device, 0x0101}, "invalid PSM 0x0101"},
		"cancelled":    {done, Addr{device, 1}, "context canceled"},
	} {
		_, err := Dial(tt.ctx, adapter, tt.raddr)
		e, ok := err.(*net.OpError)
		if !ok || e.Op != "dial" || e.Net != "l2cap" || e.Source != (Addr{Device: adapter}) || e.Addr != tt.raddr || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want a *net.OpError with %q", name, err, tt.want)
		}
	}
	if _, err := Listen(Addr{PSM: 2}); err == nil || !strings.Contains(err.Error(), "invalid PSM 0x0002") {
		t.Errorf("Listen: %v", err)
	}
}

func TestExplainNamesTheAdapter(t *testing.T) {
	down := func() ([]hci.Adapter, error) { return []hci.Adapter{{Name: "hci7", Address: adapter}}, nil }
	unknown := func() ([]hci.Adapter, error) { return nil, syscall.EMFILE }
	failed := func(errno syscall.Errno) error { return os.NewSyscallError("connect", errno) }
	for name, tt := range map[string]struct {
		err      error
		facts    redial.Facts
		adapters func() ([]hci.Adapter, error)
		errno    syscall.Errno
		want     string
	}{
		"adapter down": {failed(syscall.EHOSTUNREACH), redial.Facts{Local: adapter, Device: device}, down, syscall.EHOSTUNREACH, "hci7 is down"},
		"not known":    {failed(syscall.EHOSTUNREACH), redial.Facts{Local: adapter, Device: device}, unknown, syscall.EHOSTUNREACH, "no Bluetooth adapter is up"},
		"gone":         {failed(syscall.ECONNABORTED), redial.Facts{Device: device, Gone: true}, unknown, syscall.ECONNABORTED, redial.AdapterAway},
		"absent":       {failed(syscall.EHOSTDOWN), redial.Facts{Device: device}, down, syscall.EHOSTDOWN, "out of range"},
		"itself":       {failed(syscall.ECONNREFUSED), redial.Facts{Local: adapter, Device: adapter}, down, syscall.ECONNREFUSED, redial.SelfDialed},
		"refused":      {failed(syscall.ECONNREFUSED), redial.Facts{Local: adapter, Device: device}, down, syscall.ECONNREFUSED, ""},
		"interrupted": {&neterr.Interrupted{Last: failed(syscall.EHOSTDOWN), Ended: neterr.ErrTimeout}, redial.Facts{Device: device}, down,
			syscall.EHOSTDOWN, "i/o timeout, after connect: "},
	} {
		err := explain(tt.err, tt.facts, tt.adapters)
		if !errors.Is(err, tt.errno) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %v with %q", name, err, tt.errno, tt.want)
		}
	}
}
