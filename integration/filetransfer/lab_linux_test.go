package filetransfer_test

import (
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

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

// plainClient connects a client of the plain dialect to a server.
func (l *lab) plainClient(t testing.TB, address net.Addr) *filetransfer.Client {
	t.Helper()
	c := l.client(t, address)
	c.Plain = true
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
		Uploads: filetransfer.NewDir(openRoot(t, o.uploads)),
		Replace: true,
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

// mustHold checks a file's content, and that its directory contains no
// partial file.
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

// fullSize is the size of the large files. The tests of examples
// use larger ones.
const fullSize = 1 << 20

// lessSize is the size of files whose transfer lasts long enough for an event
// during it: more than 1 s.
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
