package filetransfer_test

import (
	"context"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/go-rfcomm/rfcomm/filetransfer"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

// bigFiles is a file system in which each name is a file of the given number of
// zeros, which need no memory.
type bigFiles int64

func (size bigFiles) Open(name string) (fs.File, error) {
	return &bigFile{bigInfo{name, int64(size)}, int64(size)}, nil
}

type bigFile struct {
	bigInfo
	left int64
}

func (f *bigFile) Read(p []byte) (int, error) {
	if f.left == 0 {
		return 0, io.EOF
	}
	n := int(min(int64(len(p)), f.left))
	clear(p[:n])
	f.left -= int64(n)
	return n, nil
}

func (f *bigFile) Stat() (fs.FileInfo, error) { return f, nil }
func (f *bigFile) Close() error               { return nil }

type bigInfo struct {
	name string
	size int64
}

func (i bigInfo) Name() string     { return i.name }
func (i bigInfo) Size() int64      { return i.size }
func (bigInfo) Mode() fs.FileMode  { return 0o644 }
func (bigInfo) ModTime() time.Time { return goldenTime }
func (bigInfo) IsDir() bool        { return false }
func (bigInfo) Sys() any           { return nil }

// A sampler calls sample after every few MiB written or read.
type sampler struct {
	io.Reader
	sample func()
	bytes  int64
}

const sampleInterval = 8 << 20

func (s *sampler) Write(p []byte) (int, error) {
	s.count(len(p))
	return len(p), nil
}

func (s *sampler) Read(p []byte) (int, error) {
	n, err := s.Reader.Read(p)
	s.count(n)
	return n, err
}

func (s *sampler) count(n int) {
	if s.bytes += int64(n); s.bytes%sampleInterval < int64(n) {
		s.sample()
	}
}

// bigSize is the size of the files.
const bigSize = 64 << 20

// memoryInUse returns the bytes in use on the heap, without garbage, and for
// stacks, and the bytes allocated so far.
func memoryInUse() (used, allocated int64) {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc + stats.StackInuse), int64(stats.TotalAlloc)
}

// wantLittleMemory limits the memory that a connection uses at both ends.
// transfer has to call sample from time to time.
func wantLittleMemory(t *testing.T, s *filetransfer.Server, transfer func(c net.Conn, sample func()) error) {
	t.Helper()
	const most = 2 * 256 << 10
	hosttest.LeavesNothingBehind(t, func() {
		client, server := networks["unix"](t)
		before, allocatedBefore := memoryInUse()
		peak := int64(0)
		sample := func() {
			used, _ := memoryInUse()
			peak = max(peak, used-before)
		}
		served := serveOn(t, s, client, server)
		if err := transfer(client, sample); err != nil {
			t.Error(err)
		}
		_, allocated := memoryInUse()
		allocated -= allocatedBefore
		client.Close()
		if err := hosttest.Receive(t, served.err); err != nil {
			t.Error(err)
		}
		t.Logf("at most %d KiB were in use, and %d KiB were allocated in all", peak>>10, allocated>>10)
		// Memory that is in use and becomes garbage before it is measured
		// counts as well.
		if peak > most || allocated > most {
			t.Errorf("%d bytes were in use, and %d were allocated, where %d are enough", peak, allocated, most)
		}
	})
}

// bigTransfers transfer a big file through a sampler.
var bigTransfers = map[string]func(ctx context.Context, c net.Conn, s *sampler) error{
	"get": func(ctx context.Context, c net.Conn, s *sampler) error {
		_, err := filetransfer.NewClient(c).Get(ctx, "big", s)
		return err
	},
	"fetch": func(ctx context.Context, c net.Conn, s *sampler) error {
		_, err := fetch(ctx, lineEnd{c}, "big", s)
		return err
	},
	"put": func(ctx context.Context, c net.Conn, s *sampler) error {
		return doPut(ctx, filetransfer.NewClient(c), "big", s, filetransfer.Info{Size: bigSize})
	},
}

func TestClientMemoryIndependentOfFileSize(t *testing.T) {
	for name, transfer := range bigTransfers {
		t.Run(name, func(t *testing.T) {
			file, err := bigFiles(bigSize).Open("big")
			if err != nil {
				t.Fatal(err)
			}
			s := &filetransfer.Server{FS: bigFiles(bigSize), Uploads: filetransfer.NewDir(openDir(t, t.TempDir()))}
			wantLittleMemory(t, s, func(c net.Conn, sample func()) error {
				sampled := &sampler{Reader: file, sample: sample}
				err := transfer(t.Context(), c, sampled)
				if sampled.bytes != bigSize {
					t.Errorf("%d bytes were moved", sampled.bytes)
				}
				return err
			})
		})
	}
}

// An existing part is read in order to verify its checksum.
func TestClientMemoryIndependentOfPartSize(t *testing.T) {
	for name, transfer := range map[string]func(ctx context.Context, c *filetransfer.Client, dir string) error{
		"download": func(ctx context.Context, c *filetransfer.Client, dir string) error {
			_, err := c.Download(ctx, "big", filepath.Join(dir, "big"))
			return err
		},
		"upload": func(ctx context.Context, c *filetransfer.Client, dir string) error {
			return doUpload(ctx, c, filepath.Join(dir, "source"), "big")
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for _, name := range []string{"source", "big.part"} {
				writeFile(t, filepath.Join(dir, name), "")
				if err := os.Truncate(filepath.Join(dir, name), bigSize); err != nil {
					t.Fatal(err)
				}
			}
			s := &filetransfer.Server{FS: bigFiles(bigSize), Uploads: filetransfer.NewDir(openDir(t, dir))}
			wantLittleMemory(t, s, func(conn net.Conn, sample func()) error {
				c := filetransfer.NewClient(conn)
				c.Progress = func(p filetransfer.Progress) { sample() }
				return transfer(t.Context(), c, dir)
			})
			wantFiles(t, dir, "big", "source")
		})
	}
}
