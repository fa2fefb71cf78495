package filetransfer_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/filetransfer"
	"github.com/go-rfcomm/rfcomm/internal/test/conntest"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
	"github.com/go-rfcomm/rfcomm/internal/test/labtest"
)

// A lab is the two adapters of the lab. Servers listen on the far one, clients
// dial from the near one.
type lab struct {
	*labtest.Lab
	near, far rfcomm.BDAddr
}

// inLab returns the lab, and skips the test outside the lab.
func inLab(t testing.TB) *lab {
	t.Helper()
	l := labtest.Require(t)
	return &lab{Lab: l, near: rfcomm.BDAddr(l.Dialer()), far: rfcomm.BDAddr(l.Device())}
}

// dial connects to a server.
func (l *lab) dial(t testing.TB, address net.Addr) *rfcomm.Conn {
	t.Helper()
	return conntest.Dial(t, l.near, address)
}

// client connects a client of the framed dialect to a server.
func (l *lab) client(t testing.TB, address net.Addr) *filetransfer.Client {
	t.Helper()
	c := filetransfer.NewClient(l.dial(t, address))
	t.Cleanup(func() { c.Close() })
	return c
}

// An offer is a file server on the far adapter.
type offer struct {
	address        net.Addr
	server         *filetransfer.Server
	files, uploads string       // the directories to get files from and to put them into
	served         <-chan error // the result of Serve
}

// offer serves until the test ends.
func (l *lab) offer(t testing.TB) *offer {
	t.Helper()
	listener := conntest.Listen(t, l.far)
	o := newOffer(t)
	o.address = listener.Addr()
	served := make(chan error, 1)
	o.served = served
	go func() { served <- o.server.Serve(listener) }()
	t.Cleanup(func() {
		o.server.Close()
		if err := hosttest.Receive(t, served); !errors.Is(err, filetransfer.ErrServerClosed) {
			t.Errorf("Serve: %v, want ErrServerClosed", err)
		}
		served <- nil // for further receivers
	})
	return o
}

// newOffer returns an offer that does not listen yet.
func newOffer(t testing.TB) *offer {
	t.Helper()
	o := &offer{files: t.TempDir(), uploads: t.TempDir()}
	o.server = &filetransfer.Server{
		FS:      openRoot(t, o.files).FS(),
		Uploads: openRoot(t, o.uploads),
		Logger:  slog.New(slog.NewTextHandler(t.Output(), nil)),
	}
	return o
}

func openRoot(t testing.TB, dir string) *os.Root {
	t.Helper()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	return root
}

// randomFile writes size random bytes into a new file and returns them.
func randomFile(t testing.TB, dir, name string, size int) []byte {
	t.Helper()
	content := make([]byte, size)
	rand.Read(content)
	if err := os.WriteFile(filepath.Join(dir, name), content, 0o640); err != nil {
		t.Fatal(err)
	}
	return content
}

// mustHold checks a file's content, and that its directory contains no partial file.
func mustHold(t testing.TB, dir, name string, content []byte) {
	t.Helper()
	got, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Error(err)
	} else if sha256.Sum256(got) != sha256.Sum256(content) {
		t.Errorf("%s: %d bytes that differ from the %d that were sent", name, len(got), len(content))
	}
	if parts, _ := filepath.Glob(filepath.Join(dir, "*.part*")); len(parts) != 0 {
		t.Errorf("%s was left", parts)
	}
}

// fullSize is the size of the large files. The tests of examples use larger ones.
const fullSize = 1 << 20

// lessSize is the size of files whose transfer must be interrupted. Their transfer
// takes more than 1 s.
const lessSize = 3 << 19

// oddFiles are names and sizes that are more likely to fail than others.
var oddFiles = []struct {
	name string
	size int
}{
	{"Grüße, 你好 🙂.txt", 3000},
	{strings.Repeat("ä", 125) + ".html", 5000}, // 255 bytes
	{"one byte", 1},
	{"empty", 0},
}

// some returns all of a list, or only its last element in a short test.
func some[T any](list []T) []T {
	if testing.Short() {
		return list[len(list)-1:]
	}
	return list
}

func TestClientDownloadAndUpload(t *testing.T) {
	l := inLab(t)
	o := l.offer(t)
	client := l.client(t, o.address)
	here := t.TempDir()
	ctx := t.Context()

	content := randomFile(t, o.files, "large", fullSize)
	info, err := client.Download(ctx, "large", filepath.Join(here, "large"))
	if sum := sha256.Sum256(content); err != nil || info.Size != int64(len(content)) || !bytes.Equal(info.SHA256, sum[:]) {
		t.Errorf("Download = %+v, %v", info, err)
	}
	mustHold(t, here, "large", content)
	if err := client.Upload(ctx, filepath.Join(here, "large"), "large"); err != nil {
		t.Errorf("Upload: %v", err)
	}
	mustHold(t, o.uploads, "large", content)

	for _, file := range oddFiles {
		content := randomFile(t, o.files, file.name, file.size)
		if _, err := client.Download(ctx, file.name, filepath.Join(here, file.name)); err != nil {
			t.Errorf("Download of %q: %v", file.name, err)
		}
		mustHold(t, here, file.name, content)
		if err := client.Put(ctx, file.name, bytes.NewReader(content), filetransfer.Info{Size: -1, Mode: 0o600}); err != nil {
			t.Errorf("Put of %q: %v", file.name, err)
		}
		mustHold(t, o.uploads, file.name, content)
	}
	list, err := client.List(ctx, ".")
	if err != nil || len(list) != 1+len(oddFiles) {
		t.Errorf("List = %v, %v; want %d files", list, err, 1+len(oddFiles))
	}
}

func TestFetch(t *testing.T) {
	l := inLab(t)
	o := l.offer(t)
	fetch := func(name string, want []byte) {
		t.Helper()
		c := l.dial(t, o.address)
		defer c.Close()
		var got bytes.Buffer
		n, err := filetransfer.Fetch(t.Context(), c, name, &got)
		if err != nil || n != int64(len(want)) || sha256.Sum256(got.Bytes()) != sha256.Sum256(want) {
			t.Errorf("Fetch of %q = %d, %v, and %d bytes; want %d", name, n, err, got.Len(), len(want))
		}
	}
	fetch("large", randomFile(t, o.files, "large", 1<<20))
	for _, file := range some(oddFiles) {
		fetch(file.name, randomFile(t, o.files, file.name, file.size))
	}
}

// A countingConn counts the bytes in each direction.
type countingConn struct {
	*rfcomm.Conn
	read, written atomic.Int64
}

func (c *countingConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.read.Add(int64(n))
	return n, err
}

func (c *countingConn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.written.Add(int64(n))
	return n, err
}

// atDone returns a Progress function, and a channel to which it sends once when the
// given number of bytes have been transferred.
func atDone(bytes int64) (func(filetransfer.Progress), <-chan struct{}) {
	reached := make(chan struct{}, 1)
	sent := false
	return func(p filetransfer.Progress) {
		if !sent && p.Done >= bytes {
			sent = true
			reached <- struct{}{}
		}
	}, reached
}

// A transfer is one way to copy a file of lessSize bytes between the two ends.
type transfer struct {
	name string
	make func(t *testing.T, o *offer, here string) []byte // makes the file
	move func(ctx context.Context, client *filetransfer.Client, here string) error
	// check checks the copy.
	check func(t *testing.T, o *offer, here string, content []byte)
}

var download = transfer{
	name: "Download",
	make: func(t *testing.T, o *offer, here string) []byte { return randomFile(t, o.files, "file", lessSize) },
	move: func(ctx context.Context, client *filetransfer.Client, here string) error {
		_, err := client.Download(ctx, "file", filepath.Join(here, "file"))
		return err
	},
	check: func(t *testing.T, o *offer, here string, content []byte) { mustHold(t, here, "file", content) },
}

var upload = transfer{
	name: "Upload",
	make: func(t *testing.T, o *offer, here string) []byte { return randomFile(t, here, "file", lessSize) },
	move: func(ctx context.Context, client *filetransfer.Client, here string) error {
		return client.Upload(ctx, filepath.Join(here, "file"), "file")
	},
	check: func(t *testing.T, o *offer, here string, content []byte) { mustHold(t, o.uploads, "file", content) },
}

// start starts a transfer and waits until a quarter of the file is done.
func (m transfer) start(t *testing.T, client *filetransfer.Client, here string) (moved <-chan error) {
	t.Helper()
	progress, reached := atDone(lessSize / 4)
	client.Progress = progress
	result := hosttest.InBackground(func() error { return m.move(t.Context(), client, here) })
	select {
	case <-reached:
	case err := <-result:
		t.Fatalf("%s ended before a quarter was done: %v", m.name, err)
	}
	return result
}

func TestClientResumesAfterUnplug(t *testing.T) {
	l := inLab(t)
	for _, m := range []transfer{download, upload} {
		t.Run(m.name, func(t *testing.T) {
			o := l.offer(t)
			here := t.TempDir()
			content := m.make(t, o, here)
			moved := m.start(t, l.client(t, o.address), here)
			l.Unplug()
			err := hosttest.Receive(t, moved)
			t.Log(err)
			// The kernel returns either for a Write that waits.
			if !errors.Is(err, unix.ECONNABORTED) && !errors.Is(err, unix.ENOTCONN) {
				t.Errorf("%s without an adapter: %v, want ECONNABORTED or ENOTCONN", m.name, err)
			}
			l.Plug()

			c := &countingConn{Conn: l.dial(t, o.address)}
			if err := m.move(t.Context(), filetransfer.NewClient(c), here); err != nil {
				t.Fatalf("%s again: %v", m.name, err)
			}
			m.check(t, o, here, content)
			if again := c.read.Load() + c.written.Load(); again > lessSize*7/8 {
				t.Errorf("%d bytes were transferred although a quarter of %d was stored", again, lessSize)
			}
		})
	}
}

// After the other device has ended the link, Read returns io.EOF, which must not be
// mistaken for the end of the file.
func TestTransferFailsAtBothEndsOfLostLink(t *testing.T) {
	l := inLab(t)
	const timeout, remoteUser = 0x08, 0x13
	type test struct {
		transfer
		reason byte
	}
	for _, test := range some([]test{{download, timeout}, {upload, remoteUser}}) {
		t.Run(fmt.Sprintf("%s, %#02x", test.name, test.reason), func(t *testing.T) {
			o := newOffer(t)
			listener := conntest.Listen(t, l.far)
			ended := make(chan error)
			go func() {
				for {
					c, err := listener.Accept()
					if err != nil {
						close(ended)
						return
					}
					ended <- o.server.ServeConn(context.Background(), c)
				}
			}()
			here := t.TempDir()
			content := test.make(t, o, here)
			l.Sync() // a dial over a link that is about to end would fail
			moved := test.start(t, l.client(t, listener.Addr()), here)
			l.Disconnect(test.reason)
			for end, result := range map[string]<-chan error{"client": moved, "server": ended} {
				err := hosttest.Receive(t, result)
				t.Logf("%s: %v", end, err)
				if err == nil {
					t.Errorf("the %s reported success after a lost link", end)
				}
			}

			l.Sync()
			next := l.client(t, listener.Addr())
			if err := test.move(t.Context(), next, here); err != nil {
				t.Errorf("the next client's %s: %v", test.name, err)
			}
			test.check(t, o, here, content)
			next.Close()
			if err := hosttest.Receive(t, ended); err != nil {
				t.Errorf("ServeConn for a client that closed after its transfer: %v", err)
			}
			listener.Close()
			<-ended
		})
	}
}

func TestServerSurvivesClientClose(t *testing.T) {
	l := inLab(t)
	o := l.offer(t)
	content := randomFile(t, o.files, "file", 1000)
	for _, test := range []struct {
		name string
		say  func(c net.Conn) error
	}{
		{"at once", func(c net.Conn) error { return nil }},
		{"after the prompt", func(c net.Conn) error {
			_, err := io.ReadFull(c, make([]byte, len(filetransfer.Prompt)))
			return err
		}},
		{"in the middle of a request", func(c net.Conn) error {
			_, err := c.Write([]byte{0})
			return err
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := l.dial(t, o.address)
			if err := test.say(c); err != nil {
				t.Error(err)
			}
			c.Close()
			client := l.client(t, o.address)
			defer client.Close()
			var got bytes.Buffer
			if _, err := client.Get(t.Context(), "file", &got); err != nil || !bytes.Equal(got.Bytes(), content) {
				t.Errorf("the next client's Get: %v and %d bytes", err, got.Len())
			}
		})
	}
}

func TestServerShutdownFinishesTransfer(t *testing.T) {
	l := inLab(t)
	for _, m := range some([]transfer{download, upload}) {
		t.Run(m.name, func(t *testing.T) {
			o := l.offer(t)
			here := t.TempDir()
			content := m.make(t, o, here)
			client := l.client(t, o.address)
			moved := m.start(t, client, here)
			shutdown := hosttest.InBackground(func() error { return o.server.Shutdown(t.Context()) })
			if err := hosttest.Receive(t, moved); err != nil {
				t.Errorf("%s during Shutdown: %v", m.name, err)
			}
			m.check(t, o, here, content)
			if err := hosttest.Receive(t, shutdown); err != nil {
				t.Errorf("Shutdown: %v", err)
			}
			if _, err := client.Stat(t.Context(), "file"); err == nil {
				t.Error("the server answers after Shutdown")
			}
			c, err := conntest.DialContext(t.Context(), l.near, o.address)
			if !errors.Is(err, unix.ECONNREFUSED) {
				t.Errorf("dial after Shutdown: %v, want ECONNREFUSED", err)
			}
			if err == nil {
				c.Close()
			}
		})
	}
}

func TestServerLeavesNothingBehind(t *testing.T) {
	l := inLab(t)
	listener := conntest.Listen(t, l.far)
	o := newOffer(t)
	content := randomFile(t, o.files, "file", 50_000)
	hosttest.LeavesNothingBehind(t, func() {
		served := hosttest.InBackground(func() error { return o.server.Serve(listener) })
		for range 5 {
			plain := l.dial(t, listener.Addr())
			if _, err := filetransfer.Fetch(t.Context(), plain, "file", io.Discard); err != nil {
				t.Errorf("Fetch: %v", err)
			}
			plain.Close()

			client := l.client(t, listener.Addr())
			if err := client.Put(t.Context(), "copy", bytes.NewReader(content), filetransfer.Info{Size: -1}); err != nil {
				t.Errorf("Put: %v", err)
			}
			client.Overwrite = true
			ctx, cancel := context.WithCancel(t.Context())
			if err := client.Put(ctx, "copy", cancelling{cancel}, filetransfer.Info{Size: -1}); !errors.Is(err, context.Canceled) {
				t.Errorf("cancelled Put: %v", err)
			}
			client.Close()
			if err := os.Remove(filepath.Join(o.uploads, "copy")); err != nil {
				t.Error(err)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := o.server.Shutdown(ctx); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
		if err := <-served; !errors.Is(err, filetransfer.ErrServerClosed) {
			t.Errorf("Serve: %v, want ErrServerClosed", err)
		}
	})
}

// A cancelling reader is endless content, and cancels its context when it is read.
type cancelling struct{ cancel context.CancelFunc }

func (r cancelling) Read(b []byte) (int, error) {
	r.cancel()
	return len(b), nil
}
