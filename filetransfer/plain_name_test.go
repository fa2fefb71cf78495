package filetransfer_test

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/go-rfcomm/rfcomm/filetransfer"
)

// plainNames are files of which one has the name of another one at its
// beginning.
func plainNames() fstest.MapFS {
	return fstest.MapFS{
		"a.txt":         {Data: []byte("hello")},
		"notes.txt":     {Data: []byte("old")},
		"notes.txt.bak": {Data: []byte("backup")},
		".profile":      {Data: []byte("secret")},
		"empty":         {},
		"empty.bak":     {Data: []byte("backup")},
		"big":           {Data: []byte(random(1 << 20))},
		"big.bak":       {Data: []byte("backup")},
	}
}

func TestServerPlainNameInPieces(t *testing.T) {
	const noFile = "Error: file does not exist\n"
	for name, test := range map[string]struct {
		pieces []string
		pause  time.Duration
		want   string        // answer
		after  time.Duration // time of the answer after the last piece
	}{
		"of a file":                 {[]string{"notes.txt"}, 0, "old" + endMark, 300 * time.Millisecond},
		"of no file":                {[]string{"notes.tx"}, 0, noFile, 2300 * time.Millisecond},
		"of no file, with line end": {[]string{"notes.tx\n"}, 0, noFile, 0},
		"of a hidden file":          {[]string{".profile"}, 0, noFile, 2300 * time.Millisecond},
		"of a directory":            {[]string{"."}, 0, "Error: invalid name", 2300 * time.Millisecond},
		"two files":                 {[]string{"notes.txt", ".bak"}, 250 * time.Millisecond, "backup" + endMark, 300 * time.Millisecond},
		"two files, line end":       {[]string{"notes.txt", ".bak\r\n"}, 299 * time.Millisecond, "backup" + endMark, 0},
		"a late second piece":       {[]string{"notes.tx", "t"}, 2299 * time.Millisecond, "old" + endMark, 300 * time.Millisecond},
		"typed":                     {strings.Split("notes.tx\n", ""), 1900 * time.Millisecond, noFile, 0},
		"typed name of a file":      {strings.Split("a.txt", ""), 2 * time.Second, "hello" + endMark, 300 * time.Millisecond},
		"a silence, then line end":  {[]string{"a.tx", "\n"}, 2 * time.Second, noFile, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := startServer(t, "pipe", &filetransfer.Server{FS: plainNames()})
				p := s.connectRaw(t)
				for i, piece := range test.pieces {
					if i > 0 {
						time.Sleep(test.pause)
					}
					p.send(piece)
				}
				began := time.Now()
				if got := p.readRest(); !strings.HasPrefix(got, test.want) {
					t.Errorf("got %q, want %q", got, test.want)
				}
				if took := time.Since(began); took != test.after {
					t.Errorf("the answer came after %v, want %v", took, test.after)
				}
				p.Close()
				s.stop(t)
			})
		})
	}
}

func TestServerPlainNameTimesOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startServer(t, "pipe", &filetransfer.Server{FS: plainNames()})
		p := s.connectRaw(t)
		began := time.Now()
		p.Go(func() { p.sendForever(2*time.Second, "x") })
		if got := p.readRest(); !strings.HasPrefix(got, "Error: timeout: the name was not whole within 30s") {
			t.Errorf("got %q", got)
		}
		if took := time.Since(began); took != 30*time.Second {
			t.Errorf("the answer came after %v", took)
		}
		p.Close()
		p.Wait()
		s.stop(t)
	})
}

// A slowOpenFS takes a time to open a file.
type slowOpenFS struct {
	fstest.MapFS
	pause time.Duration
}

func (f slowOpenFS) Stat(name string) (fs.FileInfo, error) {
	time.Sleep(f.pause)
	return f.MapFS.Stat(name)
}

// After a silence, the server looks for further bytes once more before the first
// byte of content.
func TestServerPlainNameContinuesInTime(t *testing.T) {
	for _, name := range []string{"notes.txt", "empty", "big"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := startServer(t, "pipe", &filetransfer.Server{FS: slowOpenFS{plainNames(), time.Second}})
				p := s.connectRaw(t)
				p.send(name)
				time.Sleep(1299 * time.Millisecond) // the file has been found
				p.Go(func() { p.send(".bak\n") })
				if got := p.readRest(); got != "backup"+endMark {
					t.Errorf("got %q", got[:min(len(got), 100)])
				}
				if log := s.log.String(); strings.Count(log, "msg=sending") != 1 {
					t.Errorf("the log is\n%s", log)
				}
				p.Close()
				p.Wait()
				s.stop(t)
			})
		})
	}
}

func TestServerPlainNameContinuesTooLate(t *testing.T) {
	for more, marked := range map[string]bool{".bak": false, "\x00": false, "\n": true, "\r\n": true, "\r\nx": true} {
		t.Run(more, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := startServer(t, "pipe", &filetransfer.Server{FS: plainNames()})
				p := s.connectRaw(t)
				p.send("big")
				p.awaitData() // the content has begun
				p.Go(func() { p.send(more) })
				synctest.Wait()
				if got := p.readRest(); strings.HasSuffix(got, endMark) != marked {
					t.Errorf("got %d bytes, with the mark: %v", len(got), !marked)
				}
				p.Close()
				p.Wait()
				s.wantServing(t)
				if !marked {
					s.log.wantDropped(t, "the name continued during the content")
				}
				s.stop(t)
			})
		})
	}
}

// A confirmingConn has a method Shutdown, as the connections of package rfcomm.
type confirmingConn struct {
	net.Conn
	err error
}

func (c confirmingConn) Shutdown(context.Context) error {
	c.Close()
	return c.err
}

func TestServerLogsWhatIsConfirmed(t *testing.T) {
	lost := errors.New("the link was lost")
	for name, test := range map[string]struct {
		conn func(net.Conn) net.Conn
		want string
		err  error
	}{
		"without Shutdown":         {func(c net.Conn) net.Conn { return c }, "msg=written", nil},
		"confirmed":                {func(c net.Conn) net.Conn { return confirmingConn{c, nil} }, "msg=sent", nil},
		"closed by the client":     {func(c net.Conn) net.Conn { return confirmingConn{c, syscall.ECONNRESET} }, "msg=written", nil},
		"lost":                     {func(c net.Conn) net.Conn { return confirmingConn{c, lost} }, "written, but not confirmed", lost},
		"not confirmed in time":    {func(c net.Conn) net.Conn { return confirmingConn{c, context.DeadlineExceeded} }, "written, but not confirmed", context.DeadlineExceeded},
		"no longer served, closed": {func(c net.Conn) net.Conn { return confirmingConn{c, net.ErrClosed} }, "written, but not confirmed", net.ErrClosed},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				log := new(logbook)
				client, server := net.Pipe()
				s := serveOn(t, &filetransfer.Server{FS: plainNames(), Logger: log.logger()}, client, test.conn(server))
				p := newRawPeer(t, client)
				p.expect(filetransfer.Prompt)
				p.send("a.txt\n")
				p.expect("hello" + endMark)
				if err := <-s.err; !errors.Is(err, test.err) {
					t.Errorf("ServeConn: %v, want %v", err, test.err)
				}
				if text := log.String(); !strings.Contains(text, test.want) || test.err != nil && strings.Contains(text, "msg=sent") {
					t.Errorf("the log is\n%s, want %q", text, test.want)
				}
			})
		})
	}
}
