package filetransfer_test

import (
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-rfcomm/rfcomm/filetransfer"
)

// A hookedStore calls a function in each method of a Store and its parts.
type hookedStore struct {
	filetransfer.Store
	in func(method string)
}

func (s *hookedStore) Receive(name string, replace bool) (filetransfer.Part, error) {
	s.in("Receive")
	part, err := s.Store.Receive(name, replace)
	if err != nil {
		return nil, err
	}
	return &hookedPart{part, s}, nil
}

type hookedPart struct {
	filetransfer.Part
	store *hookedStore
}

func (p *hookedPart) ReadAt(b []byte, offset int64) (int, error) {
	p.store.in("ReadAt")
	return p.Part.ReadAt(b, offset)
}

func (p *hookedPart) Begin(mode fs.FileMode, offset int64) error {
	p.store.in("Begin")
	return p.Part.Begin(mode, offset)
}

func (p *hookedPart) Write(b []byte) (int, error) {
	p.store.in("Write")
	return p.Part.Write(b)
}

func (p *hookedPart) Commit(modTime time.Time) error {
	p.store.in("Commit")
	return p.Part.Commit(modTime)
}

// storeMethods are the methods of a Store and its parts that a put calls. The
// value is whether the client sends content.
var storeMethods = map[string]bool{"Receive": false, "ReadAt": false, "Begin": true, "Write": true, "Commit": true}

// putInto sends a put that resumes a part, and returns what the client received
// last.
func putInto(t *testing.T, s *testServer, content bool) string {
	p := s.connectRaw(t)
	defer p.Close()
	p.send(put("Size: 5", "Resume: yes"))
	if content {
		for {
			word, fields := p.readBlock()
			if word == "ready" {
				rest := ""
				if fields.Get("Offset") == "4" {
					rest = chunk("o")
				}
				p.Go(func() {
					p.send(message("from", "Offset: "+fields.Get("Offset"), "SHA-256: "+fields.Get("SHA-256")), rest, "0\r\n", message("end", "SHA-256: "+sumOfHello))
				})
				break
			}
		}
	}
	defer p.Wait()
	return p.readRest()
}

func TestServerLeavesStuckCallsOfStore(t *testing.T) {
	for method, content := range storeMethods {
		t.Run(method, func(t *testing.T) {
			dir := memoryDir(t)
			writeFile(t, filepath.Join(dir, "new.part"), "hell")
			root := openDir(t, dir)
			synctest.Test(t, func(t *testing.T) {
				stuck := newStuck(t)
				store := &hookedStore{filetransfer.NewDir(root), func(in string) {
					if in == method {
						stuck.wait()
					}
				}}
				s := startServer(t, "pipe", &filetransfer.Server{FS: offered(), Uploads: store})
				began := time.Now()
				if got := putInto(t, s, content); !strings.Contains(got, "filetransfer/1 timeout") {
					t.Errorf("the client got %q", got)
				}
				if took := time.Since(began); took < 30*time.Second || took > 32*time.Second {
					t.Errorf("the client was dropped after %v", took)
				}
				s.wantServing(t)
				s.log.wantDropped(t, "the file system did not answer within 30s")
				// The part is closed when the call returns.
				stuck.unblock()
				synctest.Wait()
				if method != "Commit" {
					if got := putInto(t, s, true); !strings.Contains(got, "filetransfer/1 ok") {
						t.Errorf("the next put got %q", got)
					}
				}
				if got := readFile(t, filepath.Join(dir, "new")); got != "hello" {
					t.Errorf("stored is %q", got)
				}
				s.stop(t)
			})
		})
	}
}

func TestServerSurvivesPanicOfStore(t *testing.T) {
	for method, content := range storeMethods {
		t.Run(method, func(t *testing.T) {
			dir := memoryDir(t)
			writeFile(t, filepath.Join(dir, "new.part"), "hell")
			root := openDir(t, dir)
			synctest.Test(t, func(t *testing.T) {
				store := &hookedStore{filetransfer.NewDir(root), func(in string) {
					if in == method {
						panic("secret of " + in)
					}
				}}
				s := startServer(t, "pipe", &filetransfer.Server{FS: offered(), Uploads: store})
				if got := putInto(t, s, content); !strings.Contains(got, "filetransfer/1 failed") || strings.Contains(got, "secret") {
					t.Errorf("the client got %q", got)
				}
				s.wantServing(t)
				if log := s.log.String(); strings.Count(log, "panic in a file system") != 1 || !strings.Contains(log, "secret of "+method) || !strings.Contains(log, "server_worker_put_test.go") {
					t.Errorf("the panic is not logged with its stack:\n%s", log)
				}
				method = "none"
				if got := putInto(t, s, true); !strings.Contains(got, "filetransfer/1 ok") {
					t.Errorf("the next put got %q", got)
				}
				s.stop(t)
			})
		})
	}
}

// The work for a client ends when the client leaves, except for a Commit.
func TestServerCommitsForClientThatLeaves(t *testing.T) {
	root := newDir(t, nil)
	synctest.Test(t, func(t *testing.T) {
		var p *rawPeer
		store := &hookedStore{filetransfer.NewDir(root), func(method string) {
			if method == "Commit" {
				p.Close()
				time.Sleep(10 * time.Second)
			}
		}}
		var received requests
		s := startServer(t, "pipe", &filetransfer.Server{Uploads: store, FS: offered(), Received: received.add})
		p = s.connectRaw(t)
		p.send(put("Size: 5"))
		p.readWord("ready")
		p.send(message("from"), chunk("hello"), "0\r\n", message("end", "SHA-256: "+sumOfHello))
		s.wantServing(t)
		if got := readFile(t, filepath.Join(root.Name(), "new")); got != "hello" {
			t.Errorf("stored is %q", got)
		}
		if len(received.list) != 1 || received.list[0].Name != "new" {
			t.Errorf("the uploads are %+v", received.list)
		}
		if log := s.log.String(); !strings.Contains(log, "msg=received") {
			t.Errorf("the upload is not logged:\n%s", log)
		}
		s.stop(t)
	})
}
