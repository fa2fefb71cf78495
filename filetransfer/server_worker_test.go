package filetransfer_test

import (
	"bytes"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/go-rfcomm/rfcomm/filetransfer"
)

// A stuckCall is a request whose call to the FS does not return.
type stuckCall struct {
	ask    string
	answer string // text in the last bytes that the client gets
	fs     func(s *stuck) *stuckFS
}

var stuckCalls = map[string]stuckCall{
	"Stat":          {request("stat", "Name: a.txt"), "filetransfer/1 timeout", func(s *stuck) *stuckFS { return &stuckFS{stat: s} }},
	"Open":          {request("get", "Name: a.txt"), "filetransfer/1 timeout", func(s *stuck) *stuckFS { return &stuckFS{open: s} }},
	"Read":          {request("get", "Name: a.txt"), "0\r\nfiletransfer/1 timeout", func(s *stuck) *stuckFS { return &stuckFS{read: s} }},
	"Read, hashing": {request("get", "Name: a.txt", "Offset: 4", "SHA-256: "+sumOfHello), "filetransfer/1 timeout", func(s *stuck) *stuckFS { return &stuckFS{read: s} }},
	"Stat in plain": {"a.txt\n", "Error: timeout", func(s *stuck) *stuckFS { return &stuckFS{stat: s} }},
	"Read in plain": {"a.txt\n", "", func(s *stuck) *stuckFS { return &stuckFS{read: s} }},
	"ReadDir":       {request("list", "Name: ."), "filetransfer/1 timeout", func(s *stuck) *stuckFS { return &stuckFS{readDir: s} }},
}

// files returns the stuck FS, with one file.
func (c stuckCall) files(s *stuck) *stuckFS {
	files := c.fs(s)
	files.FS = fstest.MapFS{"a.txt": {Data: []byte("hello")}}
	return files
}

func TestServerLeavesStuckCalls(t *testing.T) {
	for name, call := range stuckCalls {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				stuck := newStuck(t)
				s := startServer(t, "pipe", &filetransfer.Server{FS: call.files(stuck)})
				p := s.connectRaw(t)
				began := time.Now()
				p.send(call.ask)
				got := p.readRest()
				if took := time.Since(began); took < 30*time.Second || took > 32*time.Second {
					t.Errorf("the client was dropped after %v", took)
				}
				if !strings.Contains(got, call.answer) || strings.Contains(got, endMark) {
					t.Errorf("the client got %q, want %q", got, call.answer)
				}
				p.Close()
				stuck.passes.Store(true)
				s.wantServing(t)
				s.log.wantDropped(t, "the file system did not answer within 30s")
				stuck.unblock()
				s.stop(t)
			})
		})
	}
}

func TestServerBusyAfterFourStuckCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stuck := newStuck(t)
		s := startServer(t, "pipe", &filetransfer.Server{FS: stuckCalls["Open"].files(stuck)})
		ask := func(text string) string {
			p := s.connectRaw(t)
			defer p.Close()
			p.send(text)
			return p.readRest()
		}
		for range 4 {
			if got := ask(request("get", "Name: a.txt")); !strings.Contains(got, "timeout") {
				t.Errorf("a stuck call is answered with %q", got)
			}
		}
		stuck.passes.Store(true)
		began := time.Now()
		if got := ask("a.txt\n"); !strings.HasPrefix(got, "Error: server is busy; try again later") {
			t.Errorf("the plain answer is %q", got)
		}
		c := filetransfer.NewClient(s.dial())
		_, err := c.Stat(t.Context(), "a.txt")
		wantError(t, err, filetransfer.ErrBusy)
		c.Close()
		if took := time.Since(began); took != 0 {
			t.Errorf("the refusals took %v", took)
		}
		stuck.unblock()
		synctest.Wait()
		s.wantServing(t)
		s.stop(t)
	})
}

// A counting FS counts the files that are opened and closed.
type counting struct {
	fs.FS
	opened, closed int
}

func (f *counting) Stat(name string) (fs.FileInfo, error) { return fs.Stat(f.FS, name) }

func (f *counting) Open(name string) (fs.File, error) {
	f.opened++
	file, err := f.FS.Open(name)
	return countedFile{file, f}, err
}

// wantClosed checks that all files were closed.
func (f *counting) wantClosed(t testing.TB) {
	t.Helper()
	if f.opened != f.closed {
		t.Errorf("%d files were opened and %d closed", f.opened, f.closed)
	}
}

type countedFile struct {
	fs.File
	fs *counting
}

func (f countedFile) Close() error {
	f.fs.closed++
	return f.File.Close()
}

func (f countedFile) ReadDir(n int) ([]fs.DirEntry, error) {
	return f.File.(fs.ReadDirFile).ReadDir(n)
}

func TestServerClosesFilesOfStuckCalls(t *testing.T) {
	for name, call := range stuckCalls {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				stuck := newStuck(t)
				files := call.files(stuck)
				under := &counting{FS: files.FS}
				files.FS = under
				s := serve(t, "pipe", &filetransfer.Server{FS: files})
				p := newRawPeer(t, s.conn)
				p.expect(filetransfer.Prompt)
				p.send(call.ask)
				p.readRest()
				<-s.err
				stuck.unblock()
				synctest.Wait()
				under.wantClosed(t)
			})
		})
	}
}

// A panicking FS panics in one of its methods.
type panicking struct {
	fstest.MapFS
	in string
}

func (f *panicking) panicIn(method string) {
	if f.in == method {
		panic("secret of " + method)
	}
}

func (f *panicking) Stat(name string) (fs.FileInfo, error) {
	f.panicIn("Stat")
	stat, err := f.MapFS.Stat(name)
	return panickingInfo{stat, f}, err
}

type panickingInfo struct {
	fs.FileInfo
	fs *panicking
}

func (i panickingInfo) Size() int64 {
	i.fs.panicIn("Size")
	return i.FileInfo.Size()
}

func (f *panicking) Open(name string) (fs.File, error) {
	f.panicIn("Open")
	file, err := f.MapFS.Open(name)
	return panickingFile{file, f}, err
}

type panickingFile struct {
	fs.File
	fs *panicking
}

func (f panickingFile) Stat() (fs.FileInfo, error) {
	stat, err := f.File.Stat()
	return panickingInfo{stat, f.fs}, err
}

func (f panickingFile) Read(p []byte) (int, error) {
	f.fs.panicIn("Read")
	return f.File.Read(p)
}

func (f panickingFile) Close() error {
	f.fs.panicIn("Close")
	return f.File.Close()
}

func (f panickingFile) ReadDir(n int) ([]fs.DirEntry, error) {
	f.fs.panicIn("ReadDir")
	return f.File.(fs.ReadDirFile).ReadDir(n)
}

func TestServerSurvivesPanicOfFS(t *testing.T) {
	for method, calls := range map[string][]string{
		"Stat":    {request("stat", "Name: a.txt"), request("get", "Name: a.txt"), request("list", "Name: ."), "a.txt\n"},
		"Size":    {request("stat", "Name: a.txt"), request("get", "Name: a.txt"), request("list", "Name: ."), "a.txt\n"},
		"Open":    {request("get", "Name: a.txt"), request("list", "Name: ."), "a.txt\n"},
		"Read":    {request("get", "Name: a.txt"), request("get", "Name: a.txt", "Offset: 4", "SHA-256: "+sumOfHello), "a.txt\n"},
		"ReadDir": {request("list", "Name: .")},
		"Close":   {request("list", "Name: ."), "a.txt\n"},
	} {
		for _, ask := range calls {
			t.Run(method+" "+ask, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					files := &panicking{fstest.MapFS{"a.txt": {Data: []byte("hello")}}, method}
					s := startServer(t, "pipe", &filetransfer.Server{FS: files})
					p := s.connectRaw(t)
					p.send(ask)
					if got := p.readRest(); strings.Contains(got, "secret") || method != "Close" && strings.Contains(got, endMark) {
						t.Errorf("the client got %q", got)
					}
					p.Close()
					files.in = ""
					s.wantServing(t)
					if log := s.log.String(); !strings.Contains(log, "secret of "+method) || !strings.Contains(log, "panicIn") {
						t.Errorf("the panic is not logged with its stack:\n%s", log)
					}
					s.stop(t)
				})
			})
		}
	}
}

func TestServerClosesFiles(t *testing.T) {
	files := &counting{FS: fstest.MapFS{"a.txt": {Data: []byte("hello")}}}
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, "pipe", &filetransfer.Server{FS: files})
		c := filetransfer.NewClient(s.conn)
		var got bytes.Buffer
		if _, err := c.Get(t.Context(), "a.txt", &got); err != nil {
			t.Error(err)
		}
		if _, err := c.List(t.Context(), "."); err != nil {
			t.Error(err)
		}
		c.Close()
		<-s.err
	})
	files.wantClosed(t)
}
