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

// Children of the test are this program again, with their arguments in the
// environment, one a line. They stand for the peer's process, which can be killed.
const childEnv = "RFCOMM_FAULTS_CHILD"

// ready is what a child prints when it is where it can be killed.
const ready = "ready"

// child is a peer's process: one that listens on an address and reads nothing; that
// dials to an address from another; that serves a folder; or that begins to get a
// file.
func child(args []string) error {
	go func() { // it must not outlive the test
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
	var accepted []*rfcomm.Conn // which stay open
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
		c.SetReadBuffer(1) // the least that there is, so that it is soon full
		accepted = append(accepted, c)
	}
}

func childServer(address rfcomm.Addr, folder string) error {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return err
	}
	l, err := new(rfcomm.ListenConfig).ListenRFCOMM(context.Background(), address)
	if err != nil {
		return err
	}
	fmt.Println(ready)
	return (&filetransfer.Server{FS: root.FS(), Uploads: root, Logger: quiet}).Serve(l)
}

// A stuckWriter takes some of a file and then no more.
type stuckWriter struct{ taken int }

func (w *stuckWriter) Write(p []byte) (int, error) {
	if w.taken += len(p); w.taken >= strikeAfter {
		fmt.Println(ready)
		select {}
	}
	return len(p), nil
}

// startChild starts a child that is killed by the fault, or else at the end, and
// waits until it is ready.
func (s *scene) startChild(args ...string) {
	s.Helper()
	self, err := os.Executable()
	s.must(err)
	cmd := exec.Command(self)
	// The race detector would wait for a second at the end of each child.
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

// childConnection returns the connection to a child that listens.
func (s *scene) childConnection() *rfcomm.Conn {
	s.Helper()
	address := s.childAddress(s.far)
	s.startChild("listen", address.String())
	near, err := dial(s.Context(), s.near, address)
	s.must(err)
	keepLittle(s, near)
	return s.closing(near)
}

// childAddress is where a child listens.
func (s *scene) childAddress(at *rfcommtest.Controller) rfcomm.Addr {
	return rfcomm.Addr{Device: at.Addr(), Channel: labtest.NextChannel()}
}
