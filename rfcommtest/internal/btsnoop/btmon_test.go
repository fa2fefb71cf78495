package btsnoop

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Reading a file requires the program btmon but no Bluetooth.
func TestWriterIsReadByBtmon(t *testing.T) {
	btmon, err := exec.LookPath("btmon")
	if err != nil {
		t.Skip(err)
	}
	var file bytes.Buffer
	sample(t, &file)
	w := &Writer{w: &file, started: true} // continues the file
	w.Packet(start, 3, ToHost, append([]byte{2, 1, 0x20, 0xd0, 0x07}, make([]byte, 2000)...))
	w.DeleteIndex(start, 4)
	name := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(name, file.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(btmon, "--read", name, "--date", "--no-pager", "--columns", "160")
	cmd.Env = append(os.Environ(), "TZ=UTC")
	got, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, got)
	}
	rest := string(got)
	for _, want := range []string{
		"New Index: 02:22:33:44:55:66 (Primary,Virtual,hci3)", "2024-02-29 12:34:56.789123",
		"HCI Command: Reset", "[hci3]", "12:34:56.790123",
		"HCI Event: Command Complete", "Status: Success",
		"ACL Data TX: Handle 1 flags 0x02 dlen 5", "Channel: 64",
		"ACL Data RX: Handle 1 flags 0x02 dlen 5", "Channel: 65",
		"Delete Index: 02:22:33:44:55:66", "12:34:56.794123",
		"ACL Data RX: Handle 1 flags 0x02 dlen 2000", // truncated, but
		"Delete Index: 00:00:00:00:00:00",            // followed by more records
	} {
		_, after, found := strings.Cut(rest, want)
		if !found {
			t.Fatalf("%q is missing or out of order:\n%s", want, got)
		}
		rest = after
	}
}
