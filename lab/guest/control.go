//go:build linux

package main

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// A lab is the pair of adapters and what tests can ask of it.
type lab struct {
	mu     sync.Mutex // one request at a time
	btvirt btvirt
	log    *kernelLog
	mgmt   *mgmt // nil until something needs it
}

// newLab starts the adapters and waits until both are up and connectable.
func newLab() (*lab, error) {
	log, err := openKernelLog()
	if err != nil {
		return nil, err
	}
	l := &lab{log: log}
	if err := l.btvirt.start(); err != nil {
		return nil, err
	}
	if err := bringUp(); err != nil {
		return nil, err
	}
	return l, nil
}

// serve answers requests on a Unix socket that every user may connect to: the
// tests of an unprivileged user need it most. A connection carries one line
// with a request and one line with the reply.
func (l *lab) serve(path string) error {
	listener, err := net.Listen("unix", path)
	if err != nil {
		return fmt.Errorf("opening the control socket: %w", err)
	}
	if err := os.Chmod(path, 0o666); err != nil {
		return err
	}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				fmt.Fprintln(os.Stderr, "guest: the control socket:", err)
				return
			}
			go l.answer(conn)
		}
	}()
	return nil
}

func (l *lab) answer(conn net.Conn) {
	defer conn.Close()
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		return
	}
	reply, err := l.handle(strings.Fields(line))
	if err != nil {
		fmt.Fprintf(conn, "error: %s\n", strings.Join(strings.Fields(err.Error()), " "))
		return
	}
	fmt.Fprintln(conn, strings.TrimSpace("ok "+reply))
}

// handle carries out one request.
func (l *lab) handle(words []string) (string, error) {
	if len(words) == 0 {
		return "", fmt.Errorf("an empty request")
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	name, arguments := words[0], words[1:]
	if plain, ok := l.plainRequests()[name]; ok {
		if len(arguments) != 0 {
			return "", fmt.Errorf("%s takes no argument", name)
		}
		return plain()
	}
	if action, ok := l.adapterRequests()[name]; ok {
		number, err := adapterArgument(name, arguments)
		if err != nil {
			return "", err
		}
		return "", action(number)
	}
	switch name {
	case "disconnect":
		return "", disconnect(arguments)
	case "simplepairing":
		return "", l.simplePairing(arguments)
	}
	return "", fmt.Errorf("unknown request %q", name)
}

// plainRequests are those without an argument.
func (l *lab) plainRequests() map[string]func() (string, error) {
	return map[string]func() (string, error){
		"adapters": func() (string, error) {
			return fmt.Sprintf("%v %v", adapterAddresses[0], adapterAddresses[1]), nil
		},
		"pause":   func() (string, error) { return "", l.btvirt.signal(unix.SIGSTOP) },
		"resume":  func() (string, error) { return "", l.btvirt.signal(unix.SIGCONT) },
		"remove":  func() (string, error) { return "", l.remove() },
		"restore": func() (string, error) { return "", l.restore() },
		"pair":    func() (string, error) { return "", l.pair() },
		"unpair":  func() (string, error) { return "", l.unpair() },
		"sync":    func() (string, error) { return "", waitIdle() },
		"unload":  func() (string, error) { return "", unloadRFCOMM() },
		"load":    func() (string, error) { return "", loadRFCOMM() },
		"link":    describeLinks,
		"kmsg":    l.log.describe,
	}
}

// adapterRequests are those about adapter 0 or 1.
func (l *lab) adapterRequests() map[string]func(number int) error {
	onIndex := func(action func(index int) error) func(number int) error {
		return func(number int) error {
			index, err := adapterIndex(number)
			if err != nil {
				return err
			}
			return action(index)
		}
	}
	return map[string]func(number int) error{
		"up":       bringBack,
		"scan":     makeConnectable,
		"down":     onIndex(setDown),
		"noscan":   onIndex(func(index int) error { return setScan(index, scanDisabled) }),
		"spoilkey": l.spoilKey,
	}
}

func adapterArgument(name string, arguments []string) (int, error) {
	if len(arguments) == 1 {
		switch arguments[0] {
		case "0":
			return 0, nil
		case "1":
			return 1, nil
		}
	}
	return 0, fmt.Errorf("%s needs the number of an adapter, 0 or 1", name)
}

// remove takes both adapters away at once, whatever they are doing.
func (l *lab) remove() error {
	if err := l.btvirt.remove(); err != nil {
		return err
	}
	if err := waitGone(); err != nil {
		return err
	}
	time.Sleep(settleTime)
	return nil
}

// restore brings the adapters back to their normal state, whether they were
// removed, stopped or neither.
func (l *lab) restore() error {
	if !l.btvirt.running() {
		if err := l.btvirt.start(); err != nil {
			return err
		}
		return bringUp()
	}
	if err := l.btvirt.signal(unix.SIGCONT); err != nil {
		return err
	}
	for number := range adapterAddresses {
		if err := makeConnectable(number); err != nil {
			return err
		}
	}
	return nil
}

// replace gives the kernel new adapters for the old ones. It hangs up first: the
// kernel's RFCOMM thread can get stuck, for good and for all adapters, when they
// vanish while it closes a connection.
func (l *lab) replace() error {
	if l.btvirt.running() {
		if err := l.restore(); err != nil {
			return err
		}
		if err := hangUp(); err != nil {
			return err
		}
		if err := l.remove(); err != nil {
			return err
		}
	}
	return l.restore()
}

// disconnect hangs up the link from adapter 0 to adapter 1.
func disconnect(arguments []string) error {
	if len(arguments) != 1 {
		return fmt.Errorf("disconnect needs a reason in hexadecimal, such as 0x13")
	}
	reason, err := strconv.ParseUint(strings.TrimPrefix(arguments[0], "0x"), 16, 8)
	if err != nil {
		return fmt.Errorf("disconnect: %q is not a reason in hexadecimal, such as 0x13", arguments[0])
	}
	index, err := adapterIndex(0)
	if err != nil {
		return err
	}
	links, err := listLinks(index)
	if err != nil {
		return err
	}
	for _, link := range links {
		if link.address == adapterAddresses[1] {
			return sendDisconnect(index, link.handle, uint8(reason))
		}
	}
	return fmt.Errorf("there is no link from adapter 0 to adapter 1 to hang up")
}

// describeLinks lists every link with the number of its adapter first.
func describeLinks() (string, error) {
	var entries []string
	for number := range adapterAddresses {
		links, err := linksOf(number)
		if err != nil {
			return "", err
		}
		for _, link := range links {
			entries = append(entries, fmt.Sprintf("adapter=%d %v", number, link))
		}
	}
	return strings.Join(entries, "; "), nil
}
