package serial_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"testing"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/test/conntest"
	"github.com/go-rfcomm/rfcomm/internal/test/daemons"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
	"github.com/go-rfcomm/rfcomm/internal/test/labtest"
	"github.com/go-rfcomm/rfcomm/serial"
)

func TestDeviceFeedsGpsd(t *testing.T) {
	forEachKind(t, func(t *testing.T, a *air, kind serial.Kind) {
		d, receiver := a.openDevice(t, a.listen(t), serial.DeviceOptions{Kind: kind})
		daemons.Gpsd(t, []string{d.Name()}, daemons.Options{})
		daemons.WantPosition(t, receiver)
	})
}

// gpsd can also dial channel 1 of a device itself.
func TestListenFeedsGpsd(t *testing.T) {
	requireLab(t)
	device := rfcomm.BDAddr(labtest.Require(t).Device())
	l := conntest.ListenAt(t, rfcomm.Addr{Device: device, Channel: 1})
	accepted := hosttest.InBackground(func() *rfcomm.Conn {
		c, _ := l.AcceptRFCOMM()
		return c
	})
	daemons.Gpsd(t, []string{device.String()}, daemons.Options{})
	receiver := hosttest.Receive(t, accepted)
	defer receiver.Close()
	daemons.WantPosition(t, receiver)
}

func TestDeviceServesPicocom(t *testing.T) {
	forEachKind(t, func(t *testing.T, a *air, kind serial.Kind) {
		d, peer := a.openDevice(t, a.listen(t), serial.DeviceOptions{Kind: kind})
		picocom := labtest.Program(t, "picocom", "picocom")
		for range 2 {
			terminal := hosttest.OpenTerminal(t)
			c := exec.CommandContext(t.Context(), picocom, d.Name())
			c.Stdin, c.Stdout, c.Stderr = terminal.Slave, terminal.Slave, terminal.Slave
			if err := c.Start(); err != nil {
				t.Fatal(err)
			}
			hosttest.Eventually(t, "picocom has opened the device", func() bool { // and discarded its input
				return strings.Contains(terminal.String(), "Terminal ready")
			})
			conntest.Send(t, peer, "login: ")
			hosttest.Eventually(t, "picocom shows the prompt", func() bool {
				return strings.Contains(terminal.String(), "login: ")
			})
			terminal.Type(t, "root")
			conntest.Receive(t, peer, "root")
			terminal.Type(t, "\x01\x11") // Ctrl-A Ctrl-Q: exit without a reset
			if err := c.Wait(); err != nil {
				t.Errorf("picocom: %v: %s", err, terminal)
			}
		}
	})
}

// pyserialScript opens a port as a program does that insists on it: alone, with
// hardware flow control and a timeout. It answers one line in capitals.
const pyserialScript = `
import sys, serial
for _ in range(2):
    with serial.Serial(sys.argv[1], 115200, timeout=60, rtscts=sys.argv[2] == "tty", exclusive=True) as port:
        print("open", flush=True)
        line = port.readline()
        port.write(line.upper())
        port.flush()
`

func TestDeviceServesPySerial(t *testing.T) {
	forEachKind(t, func(t *testing.T, a *air, kind serial.Kind) {
		d, peer := a.openDevice(t, a.listen(t), serial.DeviceOptions{Kind: kind})
		c := labtest.Python(t, "serial", "python3-serial", pyserialScript, d.Name(), kind.String())
		var stderr bytes.Buffer
		c.Stderr = &stderr
		stdout, err := c.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(stdout)
		for range 2 {
			if !lines.Scan() {
				t.Fatalf("pyserial has not opened the port: %s", stderr.String())
			}
			conntest.Send(t, peer, "temperature?\n")
			conntest.Receive(t, peer, "TEMPERATURE?\n")
		}
		if err := c.Wait(); err != nil {
			t.Errorf("pyserial: %v: %s", err, stderr.String())
		}
	})
}

// pybluezScript is a peer that returns its data until the connection ends.
const pybluezScript = `
import sys, bluetooth
s = bluetooth.BluetoothSocket(bluetooth.RFCOMM)
s.bind((sys.argv[1], bluetooth.PORT_ANY))
s.listen(1)
print(s.getsockname()[1], flush=True)
c, _ = s.accept()
count = 0
try:
    while True:
        data = c.recv(4096)
        if not data:
            break
        count += len(data)
        c.sendall(data)
except bluetooth.BluetoothError:
    pass
print(count)
`

func TestDeviceReachesPyBluez(t *testing.T) {
	forEachKind(t, func(t *testing.T, a *air, kind serial.Kind) {
		c := labtest.PyBluez(t, pybluezScript, a.far.Addr().String())
		var stderr bytes.Buffer
		c.Stderr = &stderr
		stdout, err := c.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		defer c.Wait()
		peer := rfcomm.Addr{Device: a.far.Addr()}
		if _, err := fmt.Fscan(stdout, &peer.Channel); err != nil {
			t.Fatalf("PyBluez prints no channel: %v: %s", err, stderr.String())
		}
		d, err := serial.Open(t.Context(), &serial.DeviceOptions{Kind: kind, Connect: dialing(a.near.Addr(), peer)})
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		program := openNode(t, d.Name())
		data := everyByte(64 << 10)
		written := hosttest.InBackground(func() error {
			_, err := program.Write(data)
			return err
		})
		wantText(t, program, string(data))
		if err := hosttest.Receive(t, written); err != nil {
			t.Error(err)
		}
		program.Close()
		d.Close()
		if rest, err := io.ReadAll(stdout); strings.TrimSpace(string(rest)) != fmt.Sprint(len(data)) {
			t.Errorf("PyBluez prints %q, %v: %s", rest, err, stderr.String())
		}
	})
}
