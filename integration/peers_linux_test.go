package integration

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"github.com/go-rfcomm/rfcomm/internal/test/conntest"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
	"github.com/go-rfcomm/rfcomm/internal/test/labtest"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"testing"
)

// python returns a command that runs a script with PyBluez, and the buffer for
// its standard error.
func python(t *testing.T, script string, arguments ...string) (*exec.Cmd, *bytes.Buffer) {
	t.Helper()
	var stderr bytes.Buffer
	cmd := labtest.PyBluez(t, script, arguments...)
	cmd.Stderr = &stderr
	return cmd, &stderr
}

func TestListenerAcceptsPyBluez(t *testing.T) {
	l := inLab(t)
	listener := l.listen(t)
	cmd, stderr := python(t, `
import sys, bluetooth
near, far, channel = sys.argv[1], sys.argv[2], int(sys.argv[3])
s = bluetooth.BluetoothSocket(bluetooth.RFCOMM)
s.bind((near, 0))
s.connect((far, channel))
s.send("hello from PyBluez")
answer = b""
while len(answer) < 100000:
    part = s.recv(4096)
    if not part:
        break
    answer += part
print(len(answer), answer[-4:].decode())
s.close()
`, l.near.String(), l.far.String(), fmt.Sprint(conntest.AddrOf(listener).Channel))
	output := hosttest.InBackground(func() string {
		out, err := cmd.Output()
		if err != nil {
			listener.Close()
			return fmt.Sprintf("%v\n%s", err, stderr)
		}
		return string(out)
	})
	c, err := listener.AcceptRFCOMM()
	if err != nil {
		t.Fatal(err, <-output)
	}
	defer c.Close()
	conntest.Receive(t, c, "hello from PyBluez")
	conntest.Send(t, c, strings.Repeat("x", 99_996)+"last")
	if got := <-output; got != "100000 last\n" {
		t.Errorf("PyBluez printed %q", got)
	}
	conntest.ReceiveEOF(t, c)
}

func TestDialReachesPyBluez(t *testing.T) {
	l := inLab(t)
	cmd, stderr := python(t, `
import sys, bluetooth
s = bluetooth.BluetoothSocket(bluetooth.RFCOMM)
s.bind((sys.argv[1], bluetooth.PORT_ANY))
s.listen(1)
print(s.getsockname()[1], flush=True)
c, peer = s.accept()
received = b""
while len(received) < 100000:
    received += c.recv(4096)
c.send("got %d from %s" % (len(received), peer[0]))
c.close()
s.close()
`, l.far.String())
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Wait() }) // after the end of the test's context, which ends the process
	var channel int
	if _, err := fmt.Fscan(stdout, &channel); err != nil {
		cmd.Wait()
		t.Fatalf("PyBluez prints no channel: %v\n%s", err, stderr)
	}
	c, err := l.dialer.DialRFCOMM(t.Context(), l.farAddr(channel))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	conntest.Send(t, c, strings.Repeat("y", 100_000))
	got, err := io.ReadAll(c)
	if want := "got 100000 from " + l.near.String(); string(got) != want || err != nil {
		t.Errorf("read %q, %v; want %q", got, err, want)
	}
}

func TestListenerServesHTTP(t *testing.T) {
	l := inLab(t)
	hosttest.CheckLeaksAtEnd(t)
	listener := l.listen(t)
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s %d", r.RemoteAddr, r.URL.Path, len(body))
	})}
	served := hosttest.InBackground(func() error { return server.Serve(listener) })

	transport := &http.Transport{DialContext: l.dialer.DialHost}
	host := "http://" + conntest.AddrOf(listener).HostPort()
	client := &http.Client{Transport: transport}
	for range 3 {
		response, err := client.Post(host+"/upload", "text/plain", strings.NewReader(strings.Repeat("z", 200_000)))
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		response.Body.Close()
		want := l.nearAddr(conntest.AddrOf(listener).Channel).String() + " /upload 200000"
		if string(body) != want || err != nil {
			t.Errorf("got %q, %v; want %q", body, err, want)
		}
	}

	// A request whose context is canceled.
	ctx, cancel := context.WithCancel(t.Context())
	request, _ := http.NewRequestWithContext(ctx, "GET", host, cancelReader{cancel})
	if _, err := client.Do(request); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled request: %v, want context.Canceled", err)
	}

	transport.CloseIdleConnections()
	if err := server.Shutdown(t.Context()); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
	if err := <-served; err != http.ErrServerClosed {
		t.Errorf("Serve: %v, want http.ErrServerClosed", err)
	}
}

// A cancelReader is the body of a request that it cancels. net/http returns
// either the error of the body or that of the context.
type cancelReader struct{ cancel context.CancelFunc }

func (r cancelReader) Read([]byte) (int, error) {
	r.cancel()
	return 0, context.Canceled
}

func TestConnCarriesTLS(t *testing.T) {
	l := inLab(t)
	forServer, forClient := hosttest.TLSConfigs(t)
	dialed, accepted := l.connect(t)
	server := tls.Server(accepted, forServer)
	client := tls.Client(dialed, forClient)
	echoed := hosttest.InBackground(func() error {
		_, err := io.Copy(server, server)
		return errors.Join(err, server.Close())
	})
	data := strings.Repeat("under seal ", 20_000)
	sent := hosttest.InBackground(func() error {
		_, err := io.WriteString(client, data)
		return err
	})
	conntest.Receive(t, client, data)
	if err := <-sent; err != nil {
		t.Error(err)
	}
	// TLS marks the end of the stream itself.
	if err := client.CloseWrite(); err != nil {
		t.Error(err)
	}
	if err := <-echoed; err != nil {
		t.Error(err)
	}
	conntest.ReceiveEOF(t, client)
	client.Close()
}
