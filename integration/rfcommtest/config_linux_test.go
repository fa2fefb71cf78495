package rfcommtest_test

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-rfcomm/rfcomm/internal/test/labtest"
	"github.com/go-rfcomm/rfcomm/rfcommtest"
)

func TestConfigLogIsReadByBtmon(t *testing.T) {
	btmon := labtest.Program(t, "btmon", "bluez")
	var log bytes.Buffer
	r, a, b := two(t, rfcommtest.Config{Log: &log})
	dialed, accepted := connect(t, a, b)
	pass(t, dialed, accepted)
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(path, log.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(btmon, "-r", path).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, part := range []string{"New Index: " + a.Addr().String(), "Create Connection", "Connect Request", "RFCOMM: Set Async Balance Mode", "68 65 6c 6c 6f", "Delete Index: " + b.Addr().String()} {
		if !strings.Contains(string(out), part) {
			t.Errorf("btmon does not print %q:\n%s", part, out)
		}
	}
}

func TestConfigBufferSizes(t *testing.T) {
	for _, config := range []rfcommtest.Config{
		{ACLLength: 310, ACLBuffers: 10},
		{ACLLength: 27, ACLBuffers: 1},
		{ACLLength: 679, ACLBuffers: 255, PacketTypes: rfcommtest.EDR2},
		{PacketTypes: rfcommtest.BasicRate},
	} {
		_, a, b := two(t, config)
		dialed, accepted := connect(t, a, b)
		const size = 100_000
		go dialed.Write(make([]byte, size))
		if n, err := io.CopyN(io.Discard, accepted, size); err != nil {
			t.Errorf("%+v: %d bytes, %v", config, n, err)
		}
	}
}
