package filetransfer_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"path/filepath"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/filetransfer"
	"github.com/go-rfcomm/rfcomm/internal/test/conntest"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

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
	if _, err := client.Upload(ctx, filepath.Join(here, "large"), "large"); err != nil {
		t.Errorf("Upload: %v", err)
	}
	mustHold(t, o.uploads, "large", content)
	if info, err := client.Download(ctx, "large", filepath.Join(here, "large")); err != nil || !info.Present {
		t.Errorf("the second Download = %+v, %v", info, err)
	}
	if info, err := client.Upload(ctx, filepath.Join(here, "large"), "large"); err != nil || !info.Present {
		t.Errorf("the second Upload = %+v, %v", info, err)
	}

	for _, file := range oddFiles {
		content := randomFile(t, o.files, file.name, file.size)
		if _, err := client.Download(ctx, file.name, filepath.Join(here, file.name)); err != nil {
			t.Errorf("Download of %q: %v", file.name, err)
		}
		mustHold(t, here, file.name, content)
		if _, err := client.Put(ctx, file.name, bytes.NewReader(content), filetransfer.Info{Size: -1, Mode: 0o600}); err != nil {
			t.Errorf("Put of %q: %v", file.name, err)
		}
		mustHold(t, o.uploads, file.name, content)
	}
	list, err := client.List(ctx, ".")
	if err != nil || len(list) != 1+len(oddFiles) {
		t.Errorf("List = %v, %v; want %d files", list, err, 1+len(oddFiles))
	}
}

func TestClientFS(t *testing.T) {
	l := inLab(t)
	o := l.offer(t)
	remote := l.client(t, o.address).FS(t.Context())
	large, small := randomFile(t, o.files, "large", fullSize), randomFile(t, o.files, "small", 100_000)
	f, err := remote.Open("large")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	got := make([]byte, 1000)
	const at = fullSize - 1500
	if _, err := f.(io.ReaderAt).ReadAt(got, at); err != nil || !bytes.Equal(got, large[at:at+1000]) {
		t.Errorf("ReadAt: %v", err)
	}
	g, err := remote.Open("small")
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	if got, err := io.ReadAll(g); err != nil || !bytes.Equal(got, small) {
		t.Errorf("read %d bytes, %v", len(got), err)
	}
	if n, err := io.ReadFull(f, got); err != nil || !bytes.Equal(got, large[:1000]) {
		t.Errorf("read %d bytes, %v", n, err)
	}
	if entries, err := fs.ReadDir(remote, "."); err != nil || len(entries) != 2 {
		t.Errorf("ReadDir = %v, %v", entries, err)
	}
}

func TestClientPlain(t *testing.T) {
	l := inLab(t)
	o := l.offer(t)
	l.mustGetPlain(t, o.address, "large", randomFile(t, o.files, "large", 1<<20))
	for _, file := range some(oddFiles) {
		l.mustGetPlain(t, o.address, file.name, randomFile(t, o.files, file.name, file.size))
	}
}

// mustGetPlain gets a file in the plain dialect.
func (l *lab) mustGetPlain(t *testing.T, address net.Addr, name string, want []byte) {
	t.Helper()
	client := l.plainClient(t, address)
	defer client.Close()
	var got bytes.Buffer
	info, err := client.Get(t.Context(), name, &got)
	if err != nil || info.Size != int64(len(want)) || sha256.Sum256(got.Bytes()) != sha256.Sum256(want) {
		t.Errorf("Get of %q = %+v, %v, and %d bytes; want %d", name, info, err, got.Len(), len(want))
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

// atDone returns a Progress function, and a channel to which it sends once when
// the given number of bytes have been transferred.
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
		_, err := client.Upload(ctx, filepath.Join(here, "file"), "file")
		return err
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

// After the other device has ended the link, Read returns io.EOF, which must
// not be mistaken for the end of the file.
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
