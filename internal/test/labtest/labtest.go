// Package labtest gives tests two joined Bluetooth adapters and power over
// them: it can take them away, stop their radio, hang up their links and pair
// them. The adapters exist inside the virtual machine that lab/run starts.
//
// The adapters are one for all, so tests that use them must not run in
// parallel. What a test changes is put back at its end.
package labtest

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// variable names the environment variable that holds the path of the lab's
// control socket.
const variable = "RFCOMM_LAB"

// patience bounds one request; the longest wait inside the lab is shorter.
const patience = 90 * time.Second

// Numbers of the two adapters, for the methods that take one.
const (
	DialerAdapter = 0 // hci0, the side that tests dial from
	DeviceAdapter = 1 // hci1, the side that tests listen on
)

// A Lab is the pair of adapters. Its methods fail the test when the lab cannot
// do what is asked.
type Lab struct {
	t        testing.TB
	adapters [2][6]byte
}

// Require returns the lab, and skips the test where there is none.
func Require(t testing.TB) *Lab {
	t.Helper()
	if os.Getenv(variable) == "" {
		t.Skip("needs two joined Bluetooth adapters; lab/test runs it")
	}
	l := &Lab{t: t}
	words := strings.Fields(l.ask("adapters"))
	if len(words) != len(l.adapters) {
		t.Fatalf("the lab named %d adapters, want %d", len(words), len(l.adapters))
	}
	for i, word := range words {
		address, err := parseAddress(word)
		if err != nil {
			t.Fatalf("the lab's adapter %d: %v", i, err)
		}
		l.adapters[i] = address
	}
	return l
}

// Dialer returns the BD_ADDR of the adapter to dial from, the most significant
// byte first.
func (l *Lab) Dialer() [6]byte { return l.adapters[DialerAdapter] }

// Device returns the BD_ADDR of the adapter to listen on, the most significant
// byte first.
func (l *Lab) Device() [6]byte { return l.adapters[DeviceAdapter] }

// Pause stops the controllers of both adapters and the radio between them: a
// page never ends and a link stalls. The end of the test resumes them.
func (l *Lab) Pause() {
	l.t.Helper()
	l.ask("pause")
	l.t.Cleanup(l.Resume)
}

// Resume lets both controllers continue after Pause.
func (l *Lab) Resume() {
	l.t.Helper()
	l.ask("resume")
}

// Unplug takes both adapters away, as if unplugged. The end of the test brings
// them back.
func (l *Lab) Unplug() {
	l.t.Helper()
	l.t.Cleanup(l.Plug)
	l.ask("remove")
}

// Plug brings both adapters back, with the same addresses, up and
// connectable. Adapters that are there keep their connections.
func (l *Lab) Plug() {
	l.t.Helper()
	l.ask("restore")
}

// Down takes one adapter down. Its own links end at once; the other adapter is
// not told, as when a device goes out of range. The end of the test brings it
// up.
func (l *Lab) Down(adapter int) {
	l.t.Helper()
	l.t.Cleanup(func() { l.Up(adapter) })
	l.ask(fmt.Sprint("down ", adapter))
}

// Up brings one adapter up and makes it connectable. Links that the other
// adapter still holds from before end, and with them all its connections.
func (l *Lab) Up(adapter int) {
	l.t.Helper()
	l.ask(fmt.Sprint("up ", adapter))
}

// NoScan makes one adapter unreachable for new links: a page to it times out.
// The end of the test makes it connectable.
func (l *Lab) NoScan(adapter int) {
	l.t.Helper()
	l.t.Cleanup(func() { l.Scan(adapter) })
	l.ask(fmt.Sprint("noscan ", adapter))
}

// Scan makes one adapter connectable again.
func (l *Lab) Scan(adapter int) {
	l.t.Helper()
	l.ask(fmt.Sprint("scan ", adapter))
}

// Disconnect hangs up the link from the dialing adapter to the device with an
// error code of the Bluetooth Core Specification, such as 0x08 for a
// supervision timeout. It returns before the link has ended.
func (l *Lab) Disconnect(reason uint8) {
	l.t.Helper()
	l.ask(fmt.Sprintf("disconnect 0x%02x", reason))
}

// Pair bonds the two adapters without a question to anybody ("just works"), so
// that both hold a link key. From then on the kernel encrypts every link; see
// SimplePairing. The link that pairing made may remain for some seconds. The
// end of the test takes the bond away.
func (l *Lab) Pair() {
	l.t.Helper()
	l.t.Cleanup(l.Unpair)
	l.ask("pair")
}

// Unpair takes the bond away by hanging up and replacing both adapters, which
// ends all connections. It does nothing when the adapters are not paired.
func (l *Lab) Unpair() {
	l.t.Helper()
	l.ask("unpair")
}

// SimplePairing turns Secure Simple Pairing on or off on both paired adapters.
// Without it, a new link is encrypted only when a socket's security level asks
// for it; the keys of the bond serve either way.
func (l *Lab) SimplePairing(on bool) {
	l.t.Helper()
	if on {
		l.ask("simplepairing on")
	} else {
		l.ask("simplepairing off")
	}
}

// SpoilKey gives one of two paired adapters a wrong link key, so that the
// authentication of the next link fails.
func (l *Lab) SpoilKey(adapter int) {
	l.t.Helper()
	l.ask(fmt.Sprint("spoilkey ", adapter))
}

// UnloadRFCOMM takes the module rfcomm out of the kernel until the end of the
// test. No RFCOMM socket may be open.
func (l *Lab) UnloadRFCOMM() {
	l.t.Helper()
	l.t.Cleanup(func() { l.ask("load") })
	l.ask("unload")
}

// Sync waits until no link is left between the adapters. The kernel keeps a
// link for 2 to 4 seconds after its last use.
func (l *Lab) Sync() {
	l.t.Helper()
	l.ask("sync")
}

// KernelWarnings returns what the kernel logged as a warning or worse since the
// lab was ready, over all tests.
func (l *Lab) KernelWarnings() []string {
	l.t.Helper()
	text, err := strconv.Unquote(l.ask("kmsg"))
	if err != nil {
		l.t.Fatalf("the lab's kernel log: %v", err)
	}
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}

// Warned returns the first line with the given text that the kernel logged as a
// warning or worse since the lab was ready, or "" if there is none. Outside the lab
// there is none.
func Warned(t testing.TB, text string) string {
	t.Helper()
	if os.Getenv(variable) == "" {
		return ""
	}
	for _, line := range (&Lab{t: t}).KernelWarnings() {
		if strings.Contains(line, text) {
			return line
		}
	}
	return ""
}

// A Link is one end of a link between the adapters, as the kernel lists it.
type Link struct {
	Adapter  int     // whose end it is: DialerAdapter or DeviceAdapter
	Handle   uint16  // the adapter's own number for the link
	Address  [6]byte // the BD_ADDR at the other end
	Outgoing bool    // whether this adapter made the link
	State    int     // the kernel's state; LinkConnected when in use
	Mode     uint32  // the kernel's link mode
}

// LinkConnected is the state of a link that carries data.
const LinkConnected = 1

// Authenticated tells whether the other end proved that it holds the link key.
func (l Link) Authenticated() bool { return l.Mode&0x0002 != 0 }

// Encrypted tells whether the link is encrypted.
func (l Link) Encrypted() bool { return l.Mode&0x0004 != 0 }

// Links returns both ends of every link between the adapters.
func (l *Lab) Links() []Link {
	l.t.Helper()
	reply := l.ask("link")
	if reply == "" {
		return nil
	}
	var links []Link
	for entry := range strings.SplitSeq(reply, "; ") {
		link, err := parseLink(entry)
		if err != nil {
			l.t.Fatalf("the lab's link %q: %v", entry, err)
		}
		links = append(links, link)
	}
	return links
}

// Queued returns the listeners' inodes of the connections that no program has
// accepted yet, in any state. A listener's inode comes once per connection.
func Queued(t testing.TB) (listeners []string) {
	t.Helper()
	table, err := os.ReadFile("/proc/net/rfcomm")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(table)) {
		fields := strings.Fields(line)
		if parent := fields[len(fields)-1]; parent != "0" && parent != "Parent" {
			listeners = append(listeners, parent)
		}
	}
	return listeners
}

// ask sends one request to the lab and returns what follows "ok".
func (l *Lab) ask(request string) string {
	l.t.Helper()
	reply, err := exchange(os.Getenv(variable), request)
	if err != nil {
		l.t.Fatalf("asking the lab for %q: %v", request, err)
	}
	result, ok := strings.CutPrefix(reply, "ok")
	if !ok {
		l.t.Fatalf("asking the lab for %q: %s", request, strings.TrimPrefix(reply, "error: "))
	}
	return strings.TrimSpace(result)
}

// exchange sends one line to a Unix socket and returns the line that comes
// back.
func exchange(path, request string) (string, error) {
	conn, err := net.Dial("unix", path)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return "", err
	}
	if _, err := fmt.Fprintln(conn, request); err != nil {
		return "", err
	}
	reply, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		return "", fmt.Errorf("no reply: %w", err)
	}
	return strings.TrimSuffix(reply, "\n"), nil
}

func parseAddress(s string) ([6]byte, error) {
	var address [6]byte
	parts := strings.Split(s, ":")
	if len(parts) != len(address) {
		return address, fmt.Errorf("%q is no BD_ADDR", s)
	}
	for i, part := range parts {
		b, err := strconv.ParseUint(part, 16, 8)
		if err != nil {
			return address, fmt.Errorf("%q is no BD_ADDR", s)
		}
		address[i] = byte(b)
	}
	return address, nil
}

// parseLink reads a row of "name=value" pairs.
func parseLink(entry string) (Link, error) {
	var link Link
	for word := range strings.FieldsSeq(entry) {
		name, value, _ := strings.Cut(word, "=")
		if name == "address" {
			address, err := parseAddress(value)
			if err != nil {
				return link, err
			}
			link.Address = address
			continue
		}
		number, err := strconv.ParseUint(value, 0, 32)
		if err != nil {
			return link, fmt.Errorf("%s: %w", name, err)
		}
		switch name {
		case "adapter":
			link.Adapter = int(number)
		case "handle":
			link.Handle = uint16(number)
		case "out":
			link.Outgoing = number != 0
		case "state":
			link.State = int(number)
		case "mode":
			link.Mode = uint32(number)
		}
	}
	return link, nil
}
