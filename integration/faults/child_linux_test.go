package faults

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/filetransfer"
	"github.com/go-rfcomm/rfcomm/internal/test/labtest"
	"github.com/go-rfcomm/rfcomm/rfcommtest"
)

// childEnv is the environment variable with the arguments of a child, one per
// line. A child is a process of this program. It acts as the peer's process,
// which a fault kills.
const childEnv = "RFCOMM_FAULTS_CHILD"

// ready is the line that a child prints once the fault may kill it.
const ready = "ready"

// child runs a child, which by its first argument either listens on an address
// and reads nothing, dials from one address to another, serves the files of a
// directory, or begins to get a file.
func child(args []string) error {
	go func() { // end with the test's process
		io.Copy(io.Discard, os.Stdin)
		os.Exit(1)
	}()
	local, err := rfcomm.ParseAddr(args[1])
	if err != nil {
		return err
	}
	switch args[0] {
	case "listen":
		return childListener(local)
	case "serve":
		return childServer(local, args[2])
	}
	remote, err := rfcomm.ParseAddr(args[2])
	if err != nil {
		return err
	}
	dialer := rfcomm.Dialer{LocalAddr: rfcomm.Addr{Device: local.Device}}
	c, err := dialer.DialRFCOMM(context.Background(), remote)
	if err != nil {
		return err
	}
	if args[0] == "get" {
		_, err := filetransfer.NewClient(c).Get(context.Background(), args[3], new(stuckWriter))
		return err
	}
	fmt.Println(ready)
	select {}
}

func childListener(address rfcomm.Addr) error {
	l, err := new(rfcomm.ListenConfig).ListenRFCOMM(context.Background(), address)
	if err != nil {
		return err
	}
	fmt.Println(ready)
	var accepted []*rfcomm.Conn // stay open until the end
	defer func() {
		for _, c := range accepted {
			c.Close()
		}
	}()
	for {
		c, err := l.AcceptRFCOMM()
		if err != nil {
			return err
		}
		c.SetReadBuffer(1) // the kernel's minimum, which is soon full
		accepted = append(accepted, c)
	}
}

func childServer(address rfcomm.Addr, dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	l, err := new(rfcomm.ListenConfig).ListenRFCOMM(context.Background(), address)
	if err != nil {
		return err
	}
	fmt.Println(ready)
	return (&filetransfer.Server{FS: root.FS(), Uploads: filetransfer.NewDir(root), Replace: true, Logger: quiet}).Serve(l)
}

// A stuckWriter takes strikeAfter bytes of a file, and then blocks.
type stuckWriter struct{ taken int }

func (w *stuckWriter) Write(p []byte) (int, error) {
	if w.taken += len(p); w.taken >= strikeAfter {
		fmt.Println(ready)
		select {}
	}
	return len(p), nil
}

// startChild starts a child and waits until it is ready. The fault kills it, or
// else the end of the scenario.
func (s *scenario) startChild(args ...string) {
	s.Helper()
	self, err := os.Executable()
	s.must(err)
	cmd := exec.Command(self)
	// Without GORACE, the race detector would wait for 1 s at the end
	// of each child.
	cmd.Env = append(os.Environ(), childEnv+"="+strings.Join(args, "\n"), "GORACE=atexit_sleep_ms=0")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	s.must(err)
	out, err := cmd.StdoutPipe()
	s.must(err)
	s.must(cmd.Start())
	gone := false
	s.kill = func() {
		s.must(cmd.Process.Kill())
		err := cmd.Wait()
		gone = true
		if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.Sys().(syscall.WaitStatus).Signal() != unix.SIGKILL {
			s.Errorf("the child ended with %v", err)
		}
	}
	s.atEnd(func() {
		if !gone {
			s.kill()
		}
		in.Close()
	})
	if lines := bufio.NewScanner(out); !lines.Scan() || lines.Text() != ready {
		s.Fatalf("the child has printed %q", lines.Text())
	}
}

// childConnection returns a connection to a listening child.
func (s *scenario) childConnection() *rfcomm.Conn {
	s.Helper()
	address := s.childAddress(s.far)
	s.startChild("listen", address.String())
	near, err := dial(s.Context(), s.near, address)
	s.must(err)
	keepLittle(s, near)
	return s.closing(near)
}

// childAddress returns an address for a child to listen on.
func (s *scenario) childAddress(at *rfcommtest.Controller) rfcomm.Addr {
	return rfcomm.Addr{Device: at.Addr(), Channel: labtest.NextChannel()}
}
