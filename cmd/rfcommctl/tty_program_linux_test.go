package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A portJob is the command "tty" in the background, with a link.
type portJob struct {
	*job
	lines *bufio.Reader // of standard error
	link  string
}

// offerTTY starts the command "tty" without Bluetooth.
func offerTTY(t *testing.T, link string, arguments ...string) *portJob {
	t.Helper()
	return startTTY(t, program(t, append([]string{"tty", "--link", link}, arguments...)...), link)
}

// startTTY starts a command whose port will have a link.
func startTTY(t *testing.T, c *exec.Cmd, link string) *portJob {
	t.Helper()
	j := &portJob{job: &job{Cmd: c}, link: link}
	var err error
	if j.output, err = j.StdoutPipe(); err != nil {
		t.Fatal(err)
	}
	stderr, err := j.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Start(); err != nil {
		t.Fatal(err)
	}
	j.lines = bufio.NewReader(stderr)
	return j
}

// opens waits for the path of the port, and opens it as a program does.
func (j *portJob) opens(t *testing.T) *os.File {
	t.Helper()
	path, err := bufio.NewReader(j.output).ReadString('\n')
	if err != nil || path != j.link+"\n" {
		rest, _ := io.ReadAll(j.lines)
		t.Fatalf("it printed %q, %v: %s", path, err, rest)
	}
	return openPort(t, j.link)
}

// openPort opens a port as a program does.
func openPort(t *testing.T, path string) *os.File {
	t.Helper()
	port, err := os.OpenFile(path, os.O_RDWR|syscall.O_NOCTTY|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { port.Close() })
	return port
}

// ends waits for the end of the program, and checks its exit status and that its
// link is gone. It returns the rest of standard error.
func (j *portJob) ends(t *testing.T, status int) string {
	t.Helper()
	rest, _ := io.ReadAll(j.lines)
	j.job.ends(t, status)
	if _, err := os.Lstat(j.link); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the link is still there: %v", err)
	}
	return string(rest)
}

// Bytes that a terminal changes.
const awkward = "\x00\x03\x04\x11\x13\x1a\r\n\x7f\xff"

// Programs open and close the port, and transfer any bytes.
func TestTTYOverTCP(t *testing.T) {
	l, address := listenTCP(t)
	j := offerTTY(t, filepath.Join(t.TempDir(), "gps"), "--tcp", address, "--mode", "0640", "-v")
	conn := accept(t, l)
	port := j.opens(t)
	crosses(t, port, conn, "question"+awkward)
	crosses(t, conn, port, "answer"+awkward)
	if info, err := os.Stat(j.link); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("the mode is %v, %v", info.Mode(), err)
	}
	port.Close()
	port = openPort(t, j.link)
	crosses(t, port, conn, "again")
	conn.Close()
	if n, err := port.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Errorf("the program reads %d, %v after the end", n, err)
	}
	wantParts(t, j.ends(t, 0), "pty", "Connected to "+address, "sent 23 bytes, received 16\n")
}

// A program that opens the port again continues, as with a cable that is pulled
// and put back.
func TestTTYKeepReconnects(t *testing.T) {
	l, address := listenTCP(t)
	j := offerTTY(t, filepath.Join(t.TempDir(), "gps"), "--tcp", address, "--keep", "--hold", "4")
	conn := accept(t, l)
	port := j.opens(t)
	crosses(t, port, conn, "first")
	conn.Close()
	if n, err := port.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Errorf("the program reads %d, %v after the end", n, err)
	}
	port.Close()
	if line, err := j.lines.ReadString('\n'); line != "rfcommctl: the device closed the connection\n" {
		t.Errorf("it printed %q, %v", line, err)
	}
	port = openPort(t, j.link)
	fmt.Fprint(port, "kept")
	conn = accept(t, l)
	crosses(t, port, conn, "") // the port is still usable
	got := make([]byte, len("kept"))
	if _, err := io.ReadFull(conn, got); err != nil || string(got) != "kept" {
		t.Errorf("the device received %q, %v", got, err)
	}
	crosses(t, conn, port, "second")
	j.Process.Signal(syscall.SIGTERM)
	wantParts(t, j.ends(t, 143), "rfcommctl: connected again to "+address+"\n", "rfcommctl: ended by a signal: terminated\n")
}

// A device that is absent at first is more likely a wrong TARGET.
func TestTTYKeepFailsAtFirst(t *testing.T) {
	l, address := listenTCP(t)
	l.Close()
	launch(t, "tty", "--tcp", address, "--keep").ends(t, statusNotFound)
}

// listeningTTY starts the command "tty" so that it accepts TCP connections, and
// returns its address.
func listeningTTY(t *testing.T, arguments ...string) (j *portJob, address string) {
	t.Helper()
	j = offerTTY(t, filepath.Join(t.TempDir(), "gps"), append([]string{"--listen", "--tcp", "127.0.0.1:0"}, arguments...)...)
	if _, err := fmt.Fscanf(j.lines, "rfcommctl: listening on %s\n", &address); err != nil {
		t.Fatal(err)
	}
	return j, address
}

// With --keep, the next device has the same path.
func TestTTYListensAgain(t *testing.T) {
	j, address := listeningTTY(t, "--keep")
	first := dialTCP(t, address)
	port := j.opens(t)
	crosses(t, first, port, "first")
	second := dialTCP(t, address)
	first.Close()
	if n, err := port.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Errorf("the program reads %d, %v after the end", n, err)
	}
	crosses(t, second, openPort(t, j.link), "second")
	j.Process.Signal(syscall.SIGINT)
	j.ends(t, 130)
}

func TestTTYListensOverTCP(t *testing.T) {
	j, address := listeningTTY(t)
	conn := dialTCP(t, address)
	port := j.opens(t)
	crosses(t, conn, port, "question")
	crosses(t, port, conn, "answer")
	if _, err := net.Dial("tcp", address); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("another device dials: %v", err)
	}
	j.Process.Signal(syscall.SIGINT)
	j.ends(t, 130)
}

// An interrupt during the attempt to connect leaves nothing behind.
func TestTTYEndsWhileItWaits(t *testing.T) {
	j, _ := listeningTTY(t)
	j.Process.Signal(syscall.SIGINT)
	if rest := j.ends(t, 130); rest != "rfcommctl: interrupted\n" {
		t.Errorf("it printed %q", rest)
	}
}

// A link of a run that was killed is replaced. One that is in use, and another
// file, are not.
func TestTTYReplacesStaleLink(t *testing.T) {
	l, address := listenTCP(t)
	link := filepath.Join(t.TempDir(), "gps")
	killed := offerTTY(t, link, "--tcp", address)
	accept(t, l)
	killed.opens(t).Close()

	var stderr strings.Builder
	second := program(t, "tty", "--tcp", address, "--link", link)
	second.Stderr = &stderr
	if status := exitStatus(t, second.Run()); status != statusBusy {
		t.Errorf("status %d, want %d", status, statusBusy)
	}
	wantError(t, stderr.String(), link)

	killed.Process.Kill()
	killed.Wait()
	if _, err := os.Lstat(link); err != nil {
		t.Fatal(err) // else the test proves nothing
	}
	next := offerTTY(t, link, "--tcp", address)
	conn := accept(t, l)
	crosses(t, next.opens(t), conn, "next")
	conn.Close()
	next.ends(t, 0)
}

func TestTTYKeepsFileInPlaceOfLink(t *testing.T) {
	_, address := listenTCP(t)
	link := filepath.Join(t.TempDir(), "gps")
	if err := os.WriteFile(link, []byte("important"), 0o600); err != nil {
		t.Fatal(err)
	}
	var stderr strings.Builder
	c := program(t, "tty", "--tcp", address, "--link", link)
	c.Stderr = &stderr
	if status := exitStatus(t, c.Run()); status == 0 {
		t.Error("it succeeded")
	}
	wantError(t, stderr.String(), link)
	if content, err := os.ReadFile(link); string(content) != "important" {
		t.Errorf("the file is %q, %v", content, err)
	}
}
