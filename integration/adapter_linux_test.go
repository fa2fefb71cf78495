package integration

import (
	"testing"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/hcictl"
	"github.com/go-rfcomm/rfcomm/internal/test/labtest"
	"github.com/go-rfcomm/rfcomm/rfcommtest"
)

func TestAdapterReportsItsScans(t *testing.T) {
	inLab(t)
	labtest.RequireRoot(t)
	radio := rfcommtest.Require(t, rfcommtest.Config{})
	c := radio.Controllers()[0]
	check := func(when string, up, page, inquiry bool) *rfcomm.Adapter {
		t.Helper()
		a, err := rfcomm.AdapterByName(c.Name())
		if err != nil {
			t.Fatal(err)
		}
		if a.Addr != c.Addr() || a.Up != up || a.PageScan != page || a.InquiryScan != inquiry {
			t.Errorf("%s: %+v", when, a)
		}
		return a
	}
	a := check("at first", true, true, true)
	for _, scan := range []hcictl.Scan{hcictl.ScanNothing, hcictl.ScanInquiry, hcictl.ScanPage, hcictl.ScanInquiryAndPage} {
		if err := hcictl.SetScan(a.Index, scan); err != nil {
			t.Fatal(err)
		}
		check("after a change", true, scan&hcictl.ScanPage != 0, scan&hcictl.ScanInquiry != 0)
	}
	if err := c.Down(); err != nil {
		t.Fatal(err)
	}
	check("down", false, false, false)
}
