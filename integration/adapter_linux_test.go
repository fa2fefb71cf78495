package integration

import (
	"errors"
	"net"
	"strings"
	"testing"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/test/labtest"
	"github.com/go-rfcomm/rfcomm/rfcommtest"
)

func TestAdapterReportsItsScans(t *testing.T) {
	inLab(t)
	labtest.RequireRoot(t)
	radio := rfcommtest.Require(t, rfcommtest.Config{})
	c := radio.Controllers()[0]
	check := func(when string, up, page, inquiry bool) {
		t.Helper()
		a, err := rfcomm.AdapterByName(c.Name())
		if err != nil {
			t.Fatal(err)
		}
		if a.Addr != c.Addr() || a.Up != up || a.PageScan != page || a.InquiryScan != inquiry {
			t.Errorf("%s: %+v", when, a)
		}
	}
	check("at first", true, true, true)
	const inquiry, page = rfcommtest.InquiryScan, rfcommtest.PageScan
	for _, scan := range []rfcommtest.Scan{0, inquiry, page, inquiry | page} {
		if err := c.SetScan(scan); err != nil {
			t.Fatal(err)
		}
		check("after a change", true, scan&page != 0, scan&inquiry != 0)
	}
	if err := c.Down(); err != nil {
		t.Fatal(err)
	}
	check("down", false, false, false)
}

func TestAdapterByAddr(t *testing.T) {
	l := inLab(t)
	found, err := rfcomm.AdapterByAddr(l.far)
	if err != nil || found.Addr != l.far || !found.Up {
		t.Errorf("found %+v, %v", found, err)
	}
	_, err = rfcomm.AdapterByAddr(rfcomm.BDAddr{1, 2, 3, 4, 5, 6})
	var unknown *net.AddrError
	if !errors.As(err, &unknown) || unknown.Addr != "01:02:03:04:05:06" || !strings.Contains(err.Error(), l.far.String()) {
		t.Errorf("an unknown address: %v", err)
	}
}
