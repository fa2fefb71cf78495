package main

import (
	"testing"
)

// The commands run over two adapters, by a user without privileges. Without one of
// them, they run in memory.
func TestRFCOMMDemo(t *testing.T) {
	r := overRFCOMM(t)
	temporary := r.directory(t)
	demo := func() string {
		c := r.program(t, "demo")
		c.Env = append(c.Env, "TMPDIR="+temporary)
		stdout, stderr := checked(t, 0, "", c)
		if stderr != "" {
			t.Errorf("standard error: %s", stderr)
		}
		wantParts(t, stdout, "B  Hello from A\n", "  200000  photo.jpg\n", "  A  round trip  ", "nothing is left behind")
		wantFiles(t, temporary)
		return stdout
	}
	wantParts(t, demo(), "connected by Bluetooth", r.near.String(), r.far.String())
	r.Unplug()
	wantParts(t, demo(), "in memory instead of Bluetooth")
	r.Plug()
}
