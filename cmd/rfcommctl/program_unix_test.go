//go:build unix

package main

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

// listenTCP returns a listener of the loopback interface.
func listenTCP(t *testing.T) (net.Listener, string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l, l.Addr().String()
}

// accept returns the next connection, and closes it at the end of the test.
func accept(t *testing.T, l net.Listener) net.Conn {
	t.Helper()
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// A job is the program in the background.
type job struct {
	*exec.Cmd
	input  io.WriteCloser
	output io.ReadCloser
	errors bytes.Buffer
}

// launch starts the program with pipes.
func launch(t *testing.T, arguments ...string) *job {
	t.Helper()
	return launched(t, program(t, arguments...))
}

// launched starts a command with pipes.
func launched(t *testing.T, c *exec.Cmd) *job {
	t.Helper()
	j := &job{Cmd: c}
	var err error
	if j.input, err = j.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if j.output, err = j.StdoutPipe(); err != nil {
		t.Fatal(err)
	}
	j.Stderr = &j.errors
	if err := j.Start(); err != nil {
		t.Fatal(err)
	}
	return j
}

// ends waits for the end of the program and checks its exit status.
func (j *job) ends(t *testing.T, status int) {
	t.Helper()
	if got := exitStatus(t, j.Wait()); got != status {
		t.Errorf("%q: status %d, want %d\n%s", j.Args[1:], got, status, &j.errors)
	}
}

func TestConnectOverTCP(t *testing.T) {
	l, address := listenTCP(t)
	content := make([]byte, 1<<20)
	rand.Read(content)
	c := program(t, "connect", "--tcp", address)
	var stdout, stderr bytes.Buffer
	c.Stdin, c.Stdout, c.Stderr = bytes.NewReader(content), &stdout, &stderr
	served := hosttest.InBackground(func() error {
		conn, err := l.Accept()
		if err != nil {
			return err
		}
		defer conn.Close()
		_, err = io.CopyN(conn, conn, int64(len(content)))
		return err
	})
	if status := exitStatus(t, c.Run()); status != 0 || stderr.Len() > 0 {
		t.Errorf("status %d: %s", status, &stderr)
	}
	if err := hosttest.Receive(t, served); err != nil || !bytes.Equal(stdout.Bytes(), content) {
		t.Errorf("%d bytes of %d came back, %v", stdout.Len(), len(content), err)
	}
}

func TestConnectReadsAfterEndOfInput(t *testing.T) {
	l, address := listenTCP(t)
	j := launch(t, "connect", "--tcp", address, "--wait", "-1s")
	conn := accept(t, l)
	fmt.Fprintln(j.input, "question")
	j.input.Close()
	question := make([]byte, len("question\n"))
	if _, err := io.ReadFull(conn, question); err != nil {
		t.Fatal(err)
	}
	io.WriteString(conn, "answer")
	conn.Close()
	if answer, err := io.ReadAll(j.output); err != nil || string(answer) != "answer" {
		t.Errorf("it printed %q, %v", answer, err)
	}
	j.ends(t, 0)
}

func TestConnectEndsOnSignals(t *testing.T) {
	for number, status := range map[syscall.Signal]int{syscall.SIGINT: 130, syscall.SIGTERM: 143, syscall.SIGHUP: 129} {
		l, address := listenTCP(t)
		j := launch(t, "connect", "--tcp", address)
		conn := accept(t, l)
		j.Process.Signal(number)
		if n, err := conn.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("%v: the server reads %d, %v", number, n, err)
		}
		j.ends(t, status)
		if lines := strings.Count(j.errors.String(), "\n"); lines != 1 {
			t.Errorf("%v: it printed %q", number, &j.errors)
		}
	}
}

// A program that nohup or a shell has started in the background ignores signals.
func TestSignalsStayIgnored(t *testing.T) {
	l, address := listenTCP(t)
	c := program(t)
	c.Path, c.Args = "/bin/sh", []string{"sh", "-c", `trap "" INT HUP; exec "$0" "$@"`, c.Path, "connect", "--tcp", address, "--wait", "-1s"}
	var stdout strings.Builder
	c.Stdout = &stdout
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	conn := accept(t, l)
	c.Process.Signal(syscall.SIGINT)
	c.Process.Signal(syscall.SIGHUP)
	io.WriteString(conn, "still here")
	conn.Close()
	if status := exitStatus(t, c.Wait()); status != 0 || stdout.String() != "still here" {
		t.Errorf("status %d, output %q", status, &stdout)
	}
}

func TestSecondSignalEndsAtOnce(t *testing.T) {
	c := program(t)
	c.Env = append(c.Env, programVariable+"=stuck")
	output, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	awaitLine := func() {
		t.Helper()
		if _, err := io.ReadFull(output, make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
	}
	awaitLine()
	c.Process.Signal(syscall.SIGTERM)
	awaitLine()
	c.Process.Signal(syscall.SIGINT)
	if status := exitStatus(t, c.Wait()); status != 130 {
		t.Errorf("status %d, want 130", status)
	}
}

// The program ends when the reader of its output does, without a message and
// with success, as nc does, even if the device sends nothing more.
func TestConnectEndsWithReader(t *testing.T) {
	l, address := listenTCP(t)
	j := launch(t, "connect", "--tcp", address)
	conn := accept(t, l)
	io.WriteString(conn, "data")
	if _, err := io.ReadFull(j.output, make([]byte, len("data"))); err != nil {
		t.Fatal(err)
	}
	j.output.Close()
	go func() {
		for err := error(nil); err == nil; { // on Linux, the program also ends without this
			_, err = io.WriteString(conn, "more")
		}
	}()
	j.ends(t, 0)
	if j.errors.Len() > 0 {
		t.Errorf("it printed %q", &j.errors)
	}
}

func TestFullDeviceFails(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("this system has no /dev/full")
	}
	defer full.Close()
	l, address := listenTCP(t)
	for _, line := range []string{"--help", "help scan", "--version", "completion bash", "completion zsh", "completion fish", "__complete s", "connect --tcp " + address} {
		c := program(t, strings.Fields(line)...)
		var stderr strings.Builder
		c.Stdout, c.Stderr = full, &stderr
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(line, "connect") {
			io.WriteString(accept(t, l), "data")
		}
		if status := exitStatus(t, c.Wait()); status != statusOther {
			t.Errorf("%s: status %d, want %d", line, status, statusOther)
		}
		wantParts(t, stderr.String(), "rfcommctl: write /dev/stdout: no space left on device\n")
	}
}

func TestConnectRunsCommand(t *testing.T) {
	l, address := listenTCP(t)
	j := launch(t, "connect", "--tcp", address, "--exec", `read word; echo "$word $word"; echo log >&2; exec >&-; read word; exit "$word"`)
	conn := accept(t, l)
	io.WriteString(conn, "hello\n3\n")
	if answer, err := io.ReadAll(conn); err != nil || string(answer) != "hello hello\n" {
		t.Errorf("the command sent %q, %v", answer, err)
	}
	j.ends(t, statusOther)
	wantParts(t, j.errors.String(), "log\n", "exit status 3")

	j = launch(t, "connect", "--tcp", address, "--exec", "cat >&2; exit 0")
	io.WriteString(accept(t, l), "the end\n")
	l.Close()
	j.Process.Signal(syscall.SIGTERM)
	j.ends(t, 143)
}

// The end of the connection is the end of the command's input.
func TestConnectEndsCommandsInput(t *testing.T) {
	l, address := listenTCP(t)
	j := launch(t, "connect", "--tcp", address, "--exec", "cat; echo ended >&2")
	conn := accept(t, l)
	io.WriteString(conn, "hello")
	if _, err := io.ReadFull(conn, make([]byte, len("hello"))); err != nil {
		t.Fatal(err)
	}
	conn.Close()
	j.ends(t, 0)
	wantParts(t, j.errors.String(), "ended")
}

// A command that ignores SIGTERM is killed.
func TestConnectKillsCommand(t *testing.T) {
	l, address := listenTCP(t)
	j := launch(t, "connect", "--tcp", address, "--exec", `trap "" TERM; echo ready; exec sleep 1000`)
	conn := accept(t, l)
	if _, err := io.ReadFull(conn, make([]byte, len("ready\n"))); err != nil {
		t.Fatal(err)
	}
	j.Process.Signal(syscall.SIGINT)
	j.ends(t, 130)
}

// startBridge starts the program with --listen-tcp, and returns the address on
// which it listens and its later errors.
func startBridge(t *testing.T, address string) (c *exec.Cmd, port string, errors *bufio.Reader) {
	t.Helper()
	return startListening(t, "connect", "--tcp", address, "--listen-tcp", "0", "--wait", "0")
}

// startListening starts the program, and returns the address on which it listens and
// its later errors.
func startListening(t *testing.T, arguments ...string) (c *exec.Cmd, address string, errors *bufio.Reader) {
	t.Helper()
	c = program(t, arguments...)
	stderr, err := c.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	errors = bufio.NewReader(stderr)
	if _, err := fmt.Fscanf(errors, "rfcommctl: listening on %s\n", &address); err != nil {
		t.Fatal(err)
	}
	return c, address, errors
}

// dialTCP connects, and closes the connection at the end of the test.
func dialTCP(t *testing.T, address string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func TestConnectListensOnTCP(t *testing.T) {
	l, address := listenTCP(t)
	c, port, errors := startBridge(t, address)
	if host, _, _ := net.SplitHostPort(port); host != "127.0.0.1" {
		t.Errorf("it listens on %s", port)
	}
	lost := dialTCP(t, port)
	conn := accept(t, l)
	lost.(*net.TCPConn).SetLinger(0)
	lost.Close()
	if n, err := conn.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("the server reads %d, %v after the client was lost", n, err)
	}
	for _, answer := range []string{"first", "second"} {
		client := dialTCP(t, port)
		conn := accept(t, l)
		fmt.Fprint(client, "question")
		if _, err := io.ReadFull(conn, make([]byte, len("question"))); err != nil {
			t.Fatal(err)
		}
		io.WriteString(conn, answer)
		conn.Close()
		if got, err := io.ReadAll(client); err != nil || string(got) != answer {
			t.Errorf("the client reads %q, %v, want %q", got, err, answer)
		}
	}
	c.Process.Signal(syscall.SIGINT)
	if text, _ := io.ReadAll(errors); string(text) != "rfcommctl: interrupted\n" {
		t.Errorf("it printed %q", text)
	}
	if status := exitStatus(t, c.Wait()); status != 130 {
		t.Errorf("status %d, want 130", status)
	}
}

// A program that has ended does not hold up the next one for the time of --wait.
func TestConnectListensForNextProgram(t *testing.T) {
	l, address := listenTCP(t)
	c, port, _ := startListening(t, "connect", "--tcp", address, "--listen-tcp", "0", "--wait", "1h")
	for range 3 {
		client := dialTCP(t, port)
		conn := accept(t, l)
		crosses(t, client, conn, "question")
		client.Close()
	}
	c.Process.Signal(syscall.SIGINT)
	if status := exitStatus(t, c.Wait()); status != 130 {
		t.Errorf("status %d, want 130", status)
	}
}

// crosses sends a text from one end to another one.
func crosses(t *testing.T, from io.Writer, to io.Reader, text string) {
	t.Helper()
	if _, err := io.WriteString(from, text); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(text))
	read := hosttest.InBackground(func() error { _, err := io.ReadFull(to, got); return err })
	if err := hosttest.Receive(t, read); err != nil || string(got) != text {
		t.Fatalf("received %q, %v, want %q", got, err, text)
	}
}

func TestConnectNamesTakenPort(t *testing.T) {
	_, address := listenTCP(t)
	j := launch(t, "connect", "--tcp", address, "--listen-tcp", address)
	j.ends(t, statusBusy)
	wantError(t, j.errors.String(), address, "address already in use", "another program has the port", "or 0")
	if err := explainListen(syscall.EACCES); statusOf(err) != statusPermission {
		t.Errorf("status %d", statusOf(err))
	} else {
		wantParts(t, err.Error(), "ports below 1024 need root")
	}
}

func TestConnectListensAfterErrors(t *testing.T) {
	l, address := listenTCP(t)
	_, port, errors := startBridge(t, address)
	l.Close()
	for range 2 {
		client := dialTCP(t, port)
		if n, err := client.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("the client reads %d, %v", n, err)
		}
		line, err := errors.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		wantError(t, line, "connection from "+client.LocalAddr().String(), "connection refused")
	}
}

// The server closes one direction and does not read: the program ends although
// its Write is pending.
func TestConnectReportsEarlyClose(t *testing.T) {
	l, address := listenTCP(t)
	j := launch(t, "connect", "--tcp", address)
	conn := accept(t, l)
	go func() {
		for err := error(nil); err == nil; {
			_, err = j.input.Write(make([]byte, 1<<20))
		}
	}()
	if _, err := io.ReadFull(conn, make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	conn.(*net.TCPConn).CloseWrite()
	j.ends(t, statusOther)
	wantError(t, j.errors.String(), errClosedEarly.Error())
}

func TestClosedPipeSucceeds(t *testing.T) {
	for _, line := range []string{"--help", "--version", "completion bash"} {
		reader, writer, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer writer.Close()
		reader.Close()
		c := program(t, strings.Fields(line)...)
		var stderr strings.Builder
		c.Stdout, c.Stderr = writer, &stderr
		if status := exitStatus(t, c.Run()); status != 0 || stderr.Len() > 0 {
			t.Errorf("%s: status %d, %q", line, status, &stderr)
		}
	}
}

// A command can close its standard output and continue to read.
func TestCommandOutputEndsWithCommand(t *testing.T) {
	ended := false
	o := commandOutput{strings.NewReader("data"), &command{wait: func() error { ended = true; return nil }}}
	n, err := o.Read(make([]byte, 10))
	if n != 4 || err != nil || ended {
		t.Errorf("the first Read returned %d, %v; the command has ended: %v", n, err, ended)
	}
	if n, err := o.Read(make([]byte, 10)); n != 0 || err != io.EOF || !ended {
		t.Errorf("the second Read returned %d, %v; the command has ended: %v", n, err, ended)
	}
}

func TestCommandInputDiscardsUnreadData(t *testing.T) {
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	reader.Close()
	for range 2 {
		if n, err := (commandInput{writer}).Write([]byte("data")); n != 4 || err != nil {
			t.Errorf("Write returned %d, %v", n, err)
		}
		writer.Close()
	}
}
