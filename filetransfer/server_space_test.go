package filetransfer_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-rfcomm/rfcomm/filetransfer"
)

// A diskStore is a Dir on a disk with a number of free bytes.
type diskStore struct {
	*filetransfer.Dir
	root *os.Root
	free int64 // before the first upload
	err  error // of Free

	taken atomic.Int64 // by other programs
}

func newDiskStore(t testing.TB, free int64) *diskStore {
	t.Helper()
	root := newDir(t, nil)
	return &diskStore{Dir: filetransfer.NewDir(root), root: root, free: free}
}

func (d *diskStore) Free() (int64, error) {
	entries, err := d.ReadDir(".")
	used := int64(0)
	for _, entry := range entries {
		if info, err := entry.Info(); err == nil {
			used += info.Size()
		}
	}
	return d.free - used - d.taken.Load(), errors.Join(err, d.err)
}

// An unread reader must not be read.
type unread struct{ testing.TB }

func (u unread) Read([]byte) (int, error) {
	u.Error("content was read")
	return 0, errors.New("content was read")
}

func TestPutRefusedWithoutSpace(t *testing.T) {
	const mega = 1 << 20
	for name, tt := range map[string]struct{ free, reserve, size int64 }{
		"default reserve": {100 * mega, 0, 36*mega + 1},
		"small reserve":   {100, 40, 61},
		"no reserve":      {100, -1, 101},
		"much too large":  {100, -1, 1 << 62},
		"below reserve":   {39, 40, 1},
		"unknown size":    {40, 40, -1},
		"overfull disk":   {-5, -1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := newDiskStore(t, tt.free)
				c := filetransfer.NewClient(serve(t, "pipe", &filetransfer.Server{FS: offered(), Uploads: store, Reserve: tt.reserve}).conn)
				defer c.Close()
				err := doPut(t.Context(), c, "new", unread{t}, filetransfer.Info{Size: tt.size})
				wantError(t, err, syscall.ENOSPC)
				if !strings.Contains(err.Error(), "no space is left") {
					t.Errorf("the error is %v", err)
				}
				wantFiles(t, store.root.Name())
				if _, err := c.Stat(t.Context(), "a.txt"); err != nil {
					t.Errorf("the connection is unusable: %v", err)
				}
			})
		})
	}
}

func TestPutAcceptedIfItFits(t *testing.T) {
	for name, tt := range map[string]struct{ free, reserve, size int64 }{
		"reserve":         {100, 40, 60},
		"no reserve":      {100, -1, 100},
		"default reserve": {64<<20 + 100, 0, 100},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := newDiskStore(t, tt.free)
				c := filetransfer.NewClient(serve(t, "pipe", &filetransfer.Server{Uploads: store, Reserve: tt.reserve}).conn)
				defer c.Close()
				local := filepath.Join(t.TempDir(), "file")
				writeFile(t, local, random(int(tt.size)))
				if err := doUpload(t.Context(), c, local, "new"); err != nil {
					t.Error(err)
				}
				wantFiles(t, store.root.Name(), "new")
			})
		})
	}
}

func TestPutOfUnknownSizeSparesReserve(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const room = 1300 << 10 // more than is written between two checks
		content := random(2 << 20)
		store := newDiskStore(t, 3<<20+room)
		c := filetransfer.NewClient(serve(t, "pipe", &filetransfer.Server{Uploads: store, Reserve: 3 << 20}).conn)
		defer c.Close()
		err := doPut(t.Context(), c, "new", strings.NewReader(content), filetransfer.Info{Size: -1})
		wantError(t, err, syscall.ENOSPC)
		part := readFile(t, filepath.Join(store.root.Name(), "new.part"))
		if len(part) > room || len(part) < room-64<<10 || !strings.HasPrefix(content, part) {
			t.Errorf("%d bytes are stored, want almost %d", len(part), room)
		}
	})
}

func TestPutStopsIfOthersUseTheSpace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newDiskStore(t, 8<<20)
		c := filetransfer.NewClient(serve(t, "pipe", &filetransfer.Server{Uploads: store, Reserve: 1 << 20}).conn)
		defer c.Close()
		sent := 0
		r := readerFunc(func(p []byte) (int, error) {
			if sent += len(p); sent > 1<<20 {
				store.taken.Store(8 << 20)
			}
			return len(p), nil
		})
		wantError(t, doPut(t.Context(), c, "new", r, filetransfer.Info{Size: 6 << 20}), syscall.ENOSPC)
		if part := readFile(t, filepath.Join(store.root.Name(), "new.part")); len(part) > 3<<20 {
			t.Errorf("%d bytes were stored before it stopped", len(part))
		}
	})
}

func TestUploadNeedsSpaceOnlyForTheRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		content := random(1000)
		store := newDiskStore(t, 1100)
		c := filetransfer.NewClient(serve(t, "pipe", &filetransfer.Server{Uploads: store, Reserve: 100}).conn)
		defer c.Close()
		writeFile(t, filepath.Join(store.root.Name(), "new.part"), content[:600])
		local := filepath.Join(t.TempDir(), "file")
		writeFile(t, local, content)
		if err := doUpload(t.Context(), c, local, "new"); err != nil {
			t.Error(err)
		}
		if got := readFile(t, filepath.Join(store.root.Name(), "new")); got != content {
			t.Errorf("%d bytes were stored that are not the file's", len(got))
		}
	})
}

func TestPutWithUnknownSpace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, tt := range []struct{ err, want error }{
			{fmt.Errorf("no statfs: %w", errors.ErrUnsupported), nil},
			{&fs.PathError{Op: "statfs", Path: "/secret", Err: syscall.EIO}, syscall.EIO},
		} {
			store := newDiskStore(t, 0)
			store.err = tt.err
			s := startServer(t, "pipe", &filetransfer.Server{Uploads: store})
			c := filetransfer.NewClient(s.dial())
			for _, size := range []int64{5, -1} {
				err := doPut(t.Context(), c, fmt.Sprint(size), strings.NewReader("hello"), filetransfer.Info{Size: size})
				if (err == nil) != (tt.want == nil) || err != nil && strings.Contains(err.Error(), "secret") {
					t.Errorf("Free returns %v, put %v", tt.err, err)
				}
			}
			c.Close()
			s.stop(t)
		}
	})
}

// An oldPartStore records the searches for old parts.
type oldPartStore struct {
	*filetransfer.Dir
	before []time.Time // arguments of RemoveParts
}

func newOldPartStore(t testing.TB) *oldPartStore {
	t.Helper()
	return &oldPartStore{Dir: filetransfer.NewDir(newDir(t, nil))}
}

func (s *oldPartStore) RemoveParts(_ context.Context, before time.Time) ([]string, error) {
	s.before = append(s.before, before)
	return []string{"old.part"}, nil
}

// putEmpty puts an empty file.
func (s *testServer) putEmpty(t testing.TB, name string) {
	t.Helper()
	c := filetransfer.NewClient(s.dial())
	defer c.Close()
	if err := doPut(t.Context(), c, name, strings.NewReader(""), filetransfer.Info{Size: 0}); err != nil {
		t.Error(err)
	}
}

func TestPutRemovesOldParts(t *testing.T) {
	const day = 24 * time.Hour
	for name, tt := range map[string]struct{ keep, age time.Duration }{
		"default":  {0, 7 * day},
		"shorter":  {2 * day, 2 * day},
		"for ever": {-1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := newOldPartStore(t)
				s := startServer(t, "pipe", &filetransfer.Server{Uploads: store, KeepParts: tt.keep})
				began := time.Now()
				s.putEmpty(t, "new")
				s.stop(t)
				var want []time.Time
				if tt.age > 0 {
					want = []time.Time{began.Add(-tt.age)}
				}
				if !slices.EqualFunc(store.before, want, time.Time.Equal) {
					t.Errorf("parts before %v are removed, want %v", store.before, want)
				}
				if logged := strings.Contains(s.log.String(), "name=old.part"); logged != (tt.age > 0) {
					t.Errorf("the log is\n%s", s.log)
				}
			})
		})
	}
}

func TestPutSearchesOldPartsOncePerHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newOldPartStore(t)
		s := startServer(t, "pipe", &filetransfer.Server{Uploads: store})
		defer s.stop(t)
		for i, pause := range []time.Duration{0, 59 * time.Minute, time.Minute} {
			time.Sleep(pause)
			s.putEmpty(t, fmt.Sprint(i))
			if searches := []int{1, 1, 2}[i]; len(store.before) != searches {
				t.Errorf("%d searches after put %d, want %d", len(store.before), i+1, searches)
			}
		}
	})
}

// A slowStore takes until the context ends to remove parts.
type slowStore struct{ *filetransfer.Dir }

func (slowStore) RemoveParts(ctx context.Context, _ time.Time) ([]string, error) {
	<-ctx.Done()
	return []string{"\x1b[31mold.part"}, ctx.Err()
}

func TestPutSucceedsWhileSearchIsSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		root := newDir(t, nil)
		s := startServer(t, "pipe", &filetransfer.Server{Uploads: slowStore{filetransfer.NewDir(root)}})
		c := filetransfer.NewClient(s.dial())
		c.IdleTimeout = 5 * time.Second // shorter than the search
		if err := doPut(t.Context(), c, "new", strings.NewReader(""), filetransfer.Info{Size: 0}); err != nil {
			t.Error(err)
		}
		c.Close()
		wantFiles(t, root.Name(), "new")
		if log := s.log.String(); !strings.Contains(log, "removing old parts failed") || strings.Contains(log, "\x1b") {
			t.Errorf("the log is\n%s", log)
		}
		s.stop(t)
	})
}
