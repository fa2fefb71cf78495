package filetransfer_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"testing/iotest"
	"time"

	"github.com/go-rfcomm/rfcomm/filetransfer"
)

// A memoryStore is a Store in memory, as an application may have one.
type memoryStore struct {
	mu    sync.Mutex
	files fstest.MapFS
	parts map[string]*memoryPart
}

func newMemoryStore() *memoryStore {
	return &memoryStore{files: make(fstest.MapFS), parts: make(map[string]*memoryPart)}
}

func (s *memoryStore) Open(name string) (fs.File, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.files.Open(name)
}

func (s *memoryStore) Receive(name string, replace bool) (filetransfer.Part, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if strings.HasSuffix(name, ".exe") {
		return nil, fmt.Errorf("%w: no programs", filetransfer.ErrRefused)
	}
	if s.files[name] != nil && !replace {
		return nil, &fs.PathError{Op: "receive", Path: "/secret/" + name, Err: fs.ErrExist}
	}
	if s.parts[name] == nil {
		s.parts[name] = &memoryPart{store: s, name: name}
	}
	return s.parts[name], nil
}

func (*memoryStore) Free() (int64, error) { return 0, errors.ErrUnsupported }

func (*memoryStore) RemoveParts(context.Context, time.Time) ([]string, error) { return nil, nil }

// A memoryPart is a Part in memory.
type memoryPart struct {
	store   *memoryStore
	name    string
	content []byte
	mode    fs.FileMode
}

func (p *memoryPart) Size() int64      { return int64(len(p.content)) }
func (*memoryPart) ModTime() time.Time { return time.Time{} }

func (p *memoryPart) ReadAt(b []byte, offset int64) (int, error) {
	return bytes.NewReader(p.content).ReadAt(b, offset)
}

func (p *memoryPart) Begin(mode fs.FileMode, offset int64) error {
	p.content, p.mode = p.content[:offset], mode
	return nil
}

func (p *memoryPart) Write(b []byte) (int, error) {
	p.content = append(p.content, b...)
	return len(b), nil
}

func (p *memoryPart) Commit(modTime time.Time) error {
	p.store.mu.Lock()
	defer p.store.mu.Unlock()
	p.store.files[p.name] = &fstest.MapFile{Data: p.content, Mode: p.mode, ModTime: modTime}
	delete(p.store.parts, p.name)
	return nil
}

func (*memoryPart) Close() error { return nil }

func (p *memoryPart) Discard() error {
	p.content = nil
	return nil
}

// wantContent checks the content of a complete file.
func (s *memoryStore) wantContent(t testing.TB, name, want string) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if f := s.files[name]; f == nil || string(f.Data) != want {
		t.Errorf("%s was not stored with the %d bytes sent", name, len(want))
	}
}

func TestServerStoresInOtherStore(t *testing.T) {
	store := newMemoryStore()
	s := startServer(t, "pipe", &filetransfer.Server{Uploads: store})
	defer s.stop(t)
	content := random(300_000)
	local := filepath.Join(t.TempDir(), "file")
	writeFile(t, local, content)

	c := filetransfer.NewClient(s.dial())
	broken := errors.New("broken")
	r := io.MultiReader(strings.NewReader(content[:200_000]), iotest.ErrReader(broken))
	wantError(t, doPut(t.Context(), c, "new", r, filetransfer.Info{Size: 300_000}), broken)

	first := int64(-1)
	c.Progress = func(p filetransfer.Progress) {
		if first < 0 {
			first = p.Done
		}
	}
	if info, err := c.Upload(t.Context(), local, "new"); err != nil || info.Present || first < 100_000 {
		t.Errorf("Upload began at %d: %+v, %v", first, info, err)
	}
	store.wantContent(t, "new", content)
	if info, err := c.Upload(t.Context(), local, "new"); err != nil || !info.Present {
		t.Errorf("the second Upload: %+v, %v", info, err)
	}
	c.Close()
}

func TestServerReportsErrorsOfOtherStore(t *testing.T) {
	store := newMemoryStore()
	store.files["taken"] = &fstest.MapFile{Data: []byte("x")}
	c := filetransfer.NewClient(serve(t, "pipe", &filetransfer.Server{Uploads: store}).conn)
	defer c.Close()
	err := doPut(t.Context(), c, "a.exe", strings.NewReader("x"), filetransfer.Info{Size: 1})
	wantError(t, err, filetransfer.ErrRefused)
	if !strings.Contains(err.Error(), "no programs") {
		t.Errorf("the error is %v", err)
	}
	err = doPut(t.Context(), c, "taken", strings.NewReader("hello"), filetransfer.Info{Size: 5})
	wantError(t, err, fs.ErrExist)
	if strings.Contains(err.Error(), "secret") {
		t.Errorf("the error is %v", err)
	}
	if err := doPut(t.Context(), c, "free", strings.NewReader("hello"), filetransfer.Info{Size: 5}); err != nil {
		t.Error(err)
	}
	store.wantContent(t, "free", "hello")
}
