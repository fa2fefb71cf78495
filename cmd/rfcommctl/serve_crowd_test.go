//go:build unix

package main

import (
	"fmt"
	"io"
	"os/exec"
	"strings"
	"testing"

	"github.com/go-rfcomm/rfcomm/filetransfer"
)

// The client after eight that wait is refused, and can try again later.
func TestServeRefusesNinthWaiting(t *testing.T) {
	files := t.TempDir()
	write(t, "content", files, "a")
	_, address, _ := launchServer(t, "serve", files)
	first := filetransfer.NewClient(dialTCP(t, address))
	defer first.Close()
	if _, err := first.Stat(t.Context(), "a"); err != nil { // it is this client's turn
		t.Fatal(err)
	}
	for range 8 {
		waiting := dialTCP(t, address)
		if _, err := io.WriteString(waiting, "\x00filetransfer/1 wait\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(waiting, make([]byte, 1)); err != nil { // that it is busy
			t.Fatal(err)
		}
	}
	wantError(t, completes(t, statusBusy, t.TempDir(), nil, "get", "a", "--tcp", address), "busy")
}

func TestGetAndPutManyFiles(t *testing.T) {
	const count = 200
	files, copied, back := t.TempDir(), t.TempDir(), t.TempDir()
	for i := range count {
		write(t, fmt.Sprint(i), files, fmt.Sprintf("%04d", i))
	}
	_, address, complaints := launchServer(t, "serve", files, "--uploads-to", back)
	go io.Copy(io.Discard, complaints)
	completes(t, 0, copied, nil, "get", "-r", ".", "--tcp", address)
	completes(t, 0, copied, nil, "put", "-r", ".", "-o", "of/all/", "--tcp", address)
	wantFile(t, "0", back, "of", "all", "0000")
	wantFile(t, "199", back, "of", "all", "0199")
	var stdout strings.Builder
	completes(t, 0, back, &stdout, "ls", "--tcp", address)
	if lines := strings.Count(stdout.String(), "\n"); lines != count {
		t.Errorf("ls printed %d lines, want %d", lines, count)
	}
}

// As in "get a -o - | head -c 1".
func TestGetEndsWithPipe(t *testing.T) {
	files := t.TempDir()
	write(t, strings.Repeat("content", 1_000_000), files, "a")
	_, address, _ := launchServer(t, "serve", files)
	c := program(t, "get", "a", "-o", "-", "--tcp", address)
	stdout, err := c.StdoutPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	io.ReadFull(stdout, make([]byte, 1))
	stdout.Close()
	if err := c.Wait(); err != nil {
		if failed, ok := err.(*exec.ExitError); !ok || failed.ExitCode() != 0 {
			t.Errorf("status %v, want 0", err)
		}
	}
}
