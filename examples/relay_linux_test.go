package examples_test

import (
	"io"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/go-rfcomm/rfcomm/internal/test/android"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
	"github.com/go-rfcomm/rfcomm/internal/test/labtest"
	"github.com/go-rfcomm/rfcomm/sdp"
	"github.com/go-rfcomm/rfcomm/serial"
)

// The command has characters that a terminal would change or act on.
const command, weight = "weight?\r\n\x03\x13\x00\xff", "12.5 kg\r\n"

// askWeight sends the command and checks the answer of the instrument.
func askWeight(t *testing.T, client net.Conn, instrument io.Writer, received func() string) {
	t.Helper()
	before := len(received())
	if _, err := io.WriteString(client, command); err != nil {
		t.Fatal(err)
	}
	hosttest.Eventually(t, "the command at the instrument", func() bool { return received()[before:] == command })
	if _, err := io.WriteString(instrument, weight); err != nil {
		t.Fatal(err)
	}
	answer := make([]byte, len(weight))
	if _, err := io.ReadFull(client, answer); err != nil || string(answer) != weight {
		t.Errorf("the instrument has sent %q, %v", answer, err)
	}
}

// typist lets the person at a terminal write.
type typist struct {
	*hosttest.Terminal
	t *testing.T
}

func (p typist) Write(text []byte) (int, error) {
	p.Type(p.t, string(text))
	return len(text), nil
}

func TestRelayServesOneAfterAnother(t *testing.T) {
	instrument := hosttest.OpenTerminal(t)
	program := launch(t, "relay", []string{"-listen", "127.0.0.1:0", instrument.Slave.Name()})
	program.await(t, "\n")
	words := regexp.MustCompile(`^Listening on (\S+)\n`).FindStringSubmatch(program.stdout.String())
	if words == nil {
		t.Fatalf("it says %q", &program.stdout)
	}
	var clients []net.Conn
	for range 2 {
		client, err := net.Dial("tcp", words[1])
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		clients = append(clients, client)
	}
	for _, client := range clients {
		askWeight(t, client, typist{instrument, t}, instrument.String)
		client.Close()
		hosttest.Eventually(t, "the end of a connection", func() bool {
			return strings.Contains(program.stdout.String(), client.LocalAddr().String()+" disconnected\n")
		})
	}
	program.interrupt(t)
	program.end(t, 0)
	checkSilent(t, program.stderr.String())
}

func TestRelayNeedsPort(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "ttyUSB0")
	_, stderr := run(t, 1, "relay", []string{"-listen", "127.0.0.1:0", missing})
	checkOneLine(t, stderr, "relay: ")
	checkText(t, stderr, missing)
}

func TestRelayWithoutBus(t *testing.T) {
	stdout, stderr := run(t, 1, "relay", []string{hosttest.OpenTerminal(t).Slave.Name()}, withoutBus)
	checkSilent(t, stdout)
	checkOneLine(t, stderr, "relay: ")
}

// The joined serial ports of the lab.
const relayPort, instrumentPort = "/dev/ttyS1", "/dev/ttyS2"

// launchRelay starts the program relay as its unit does: without privileges, and
// with the group of serial ports.
func launchRelay(t *testing.T) *job {
	t.Helper()
	group, err := user.LookupGroup("dialout")
	if err != nil {
		t.Fatal(err)
	}
	id, err := strconv.Atoi(group.Gid)
	if err != nil {
		t.Fatal(err)
	}
	// The rules of udev, which does not run in the lab.
	if err := os.Chown(relayPort, 0, id); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(relayPort, 0o660); err != nil {
		t.Fatal(err)
	}
	program := launch(t, "relay", []string{"-baud", "115200", relayPort}, labtest.SetNobody, func(c *exec.Cmd) {
		c.SysProcAttr.Credential.Groups = []uint32{uint32(id)}
	})
	program.await(t, "Listening on")
	return program
}

// relayServesPhone checks that a paired phone reaches the instrument, and again
// after it has left.
func relayServesPhone(t *testing.T, r *radio) {
	instrument, err := serial.OpenLine(instrumentPort, &serial.LineOptions{Baud: 115200})
	if err != nil {
		t.Fatal(err)
	}
	var received transcript
	read := make(chan struct{})
	go func() {
		defer close(read)
		io.Copy(&received, instrument)
	}()
	defer func() {
		instrument.Close()
		<-read
	}()
	program := launchRelay(t)
	for range 2 {
		phone, err := android.Phone{Adapter: r.Dialer()}.Dial(t.Context(), r.Device(), sdp.SerialPort)
		if err != nil {
			t.Fatal(err)
		}
		askWeight(t, phone, instrument, received.String)
		phone.Close()
	}
	terminate(t, program)
}
