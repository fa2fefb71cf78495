package filetransfer_test

import (
	"io/fs"
	"testing"

	"github.com/go-rfcomm/rfcomm/filetransfer"
)

func TestDirDoesNotOpenFIFOsAndDevices(t *testing.T) {
	e := newSandbox(t)
	e.addIrregular()
	d := filetransfer.NewDir(e.inside)
	inTime(t, func() {
		for kind := range irregular {
			for _, name := range []string{kind, kind + "-link", kind + "-chain"} {
				if f, err := d.Open(name); err == nil {
					f.Close()
					t.Errorf("%s was opened", name)
				} else {
					wantError(t, err, fs.ErrPermission)
				}
				if stat, err := d.Stat(name); err != nil || stat.Mode().IsRegular() {
					t.Errorf("%s: %v, %v", name, stat, err)
				}
			}
		}
	})
}
