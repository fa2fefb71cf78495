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

	"github.com/go-rfcomm/rfcomm/rfcommtest"
)

// A lab is the two adapters, and carries out the requests of tests.
type lab struct {
	mu     sync.Mutex // held during a request
	radio  *rfcommtest.Radio
	log    *kernelLog
	paired bool // since the adapters were replaced
}

// newLab makes the adapters.
func newLab() (*lab, error) {
	log, err := openKernelLog()
	if err != nil {
		return nil, err
	}
	radio, err := newRadio()
	if err != nil {
		return nil, err
	}
	return &lab{radio: radio, log: log}, nil
}

// serve answers requests on a Unix socket. Every user may connect to it, since
// the tests of a user without privileges depend on it. A connection carries one
// line with a request, and one line with the reply.
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
		return "", l.disconnect(arguments)
	case "simplepairing":
		return "", l.simplePairing(arguments)
	}
	return "", fmt.Errorf("unknown request %q", name)
}

// plainRequests returns the requests without an argument.
func (l *lab) plainRequests() map[string]func() (string, error) {
	silent := func(action func() error) func() (string, error) {
		return func() (string, error) { return "", action() }
	}
	return map[string]func() (string, error){
		"adapters": func() (string, error) {
			controllers := l.radio.Controllers()
			return fmt.Sprintf("%v %v", controllers[0].Addr(), controllers[1].Addr()), nil
		},
		"stall":  silent(func() error { l.stall(); return nil }),
		"resume": silent(func() error { l.resume(); return nil }),
		"unplug": silent(l.unplug),
		"plug":   silent(l.plug),
		"pair":   silent(l.pair),
		"unpair": silent(l.unpair),
		"sync":   silent(l.waitIdle),
		"unload": silent(unloadRFCOMM),
		"load":   silent(loadRFCOMM),
		"links": func() (string, error) {
			links, err := l.links()
			return strings.Join(links, "; "), err
		},
		"kmsg": l.log.describe,
	}
}

// adapterRequests returns the requests whose argument is an adapter, 0 or 1.
func (l *lab) adapterRequests() map[string]func(number int) error {
	return map[string]func(number int) error{
		"up":       l.up,
		"down":     func(number int) error { return l.radio.Controllers()[number].Down() },
		"scan":     func(number int) error { return l.radio.Controllers()[number].SetScan(everyScan) },
		"noscan":   func(number int) error { return l.radio.Controllers()[number].SetScan(0) },
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

// disconnect ends the link for the reason in the arguments.
func (l *lab) disconnect(arguments []string) error {
	if len(arguments) != 1 {
		return fmt.Errorf("disconnect needs a reason in hexadecimal, such as 0x13")
	}
	reason, err := strconv.ParseUint(strings.TrimPrefix(arguments[0], "0x"), 16, 8)
	if err != nil {
		return fmt.Errorf("disconnect: %q is not a reason in hexadecimal, such as 0x13", arguments[0])
	}
	return l.endLink(rfcommtest.Reason(reason))
}
