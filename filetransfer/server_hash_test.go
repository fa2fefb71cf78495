package filetransfer_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/go-rfcomm/rfcomm/filetransfer"
)

// A pieceFS counts the reads of its files, which take a time for each piece of
// 32 KiB or less.
type pieceFS struct {
	fstest.MapFS
	pause time.Duration
	each  func() // called by each Read; may be nil
	reads int
}

const pieceSize = 32 << 10

func (f *pieceFS) Open(name string) (fs.File, error) {
	file, err := f.MapFS.Open(name)
	return &pieceFile{file, f}, err
}

type pieceFile struct {
	fs.File
	fs *pieceFS
}

func (f *pieceFile) Read(p []byte) (int, error) {
	f.fs.reads++
	if f.fs.each != nil {
		f.fs.each()
	}
	time.Sleep(f.fs.pause)
	return f.File.Read(p[:min(len(p), pieceSize)])
}

func (f *pieceFile) Seek(offset int64, whence int) (int64, error) {
	return f.File.(io.Seeker).Seek(offset, whence)
}

// resumeAt returns a request to get the rest of a file with the content.
func resumeAt(content string, offset int) string {
	return request("get", "Name: file", fmt.Sprint("Offset: ", offset), fmt.Sprintf("SHA-256: %x", sha256.Sum256([]byte(content[:offset]))))
}

// wantRest reads the answer to resumeAt and confirms it.
func (p *rawPeer) wantRest(content string, offset int) {
	p.Helper()
	p.readWord("ok")
	if got := p.readContent(); got != content[offset:] {
		p.Errorf("got %d bytes that are not the last %d", len(got), len(content)-offset)
	}
	end := p.readWord("end").Get("SHA-256")
	if want := fmt.Sprintf("%x", sha256.Sum256([]byte(content))); end != want {
		p.Errorf("the checksum is %s, want %s", end, want)
	}
	p.send(message("ok"))
}

// settled is a time so long ago that later writes change the modification time.
func settled() time.Time { return time.Now().Add(-time.Hour) }

func TestServerRemembersSums(t *testing.T) {
	const pieces = 40
	content := random(pieces * pieceSize)
	synctest.Test(t, func(t *testing.T) {
		files := &pieceFS{MapFS: fstest.MapFS{"file": {Data: []byte(content), ModTime: settled()}}}
		s := startServer(t, "pipe", &filetransfer.Server{FS: files})
		p := s.connectRaw(t)
		for _, step := range []struct{ at, reads int }{
			{30, 30 + 10}, // computed
			{30, 10},      // remembered
			{35, 5 + 5},   // the best smaller one is used
			{20, 20 + 20}, // nothing smaller is known
			{40, 0},       // from the end of an earlier get
			{30, 10},      // still known
		} {
			files.reads = 0
			p.send(resumeAt(content, step.at*pieceSize))
			p.wantRest(content, step.at*pieceSize)
			if files.reads != step.reads {
				t.Errorf("to resume at piece %d took %d reads, want %d", step.at, files.reads, step.reads)
			}
		}
		// Another file has the same name, size and beginning.
		changed := content[:pieceSize] + strings.Repeat("x", len(content)-pieceSize)
		files.MapFS["file"] = &fstest.MapFile{Data: []byte(changed), ModTime: settled().Add(time.Second)}
		p.send(resumeAt(content, 30*pieceSize))
		p.readWord("changed")
		p.send(resumeAt(changed, 30*pieceSize))
		p.wantRest(changed, 30*pieceSize)
		p.Close()
		s.stop(t)
	})
}

func TestServerForgetsSumsOfFreshFiles(t *testing.T) {
	content := random(10 * pieceSize)
	synctest.Test(t, func(t *testing.T) {
		for name, modTime := range map[string]time.Time{"unknown": {}, "just now": time.Now(), "later": time.Now().Add(time.Hour)} {
			files := &pieceFS{MapFS: fstest.MapFS{"file": {Data: []byte(content), ModTime: modTime}}}
			s := startServer(t, "pipe", &filetransfer.Server{FS: files})
			p := s.connectRaw(t)
			for range 2 {
				p.send(resumeAt(content, 9*pieceSize))
				p.wantRest(content, 9*pieceSize)
			}
			// With a fresh time, the content is also compared after it was sent.
			if files.reads < 20 {
				t.Errorf("%s: to resume twice took %d reads", name, files.reads)
			}
			p.Close()
			s.stop(t)
		}
	})
}

func TestServerRemembersSumsOfParts(t *testing.T) {
	content := random(10 * pieceSize)
	synctest.Test(t, func(t *testing.T) {
		store := &partStore{content: content[:9*pieceSize], modTime: settled()}
		s := startServer(t, "pipe", &filetransfer.Server{Uploads: store})
		p := s.connectRaw(t)
		for i := range 2 {
			p.send(request("put", "Name: new", "Size: "+fmt.Sprint(len(content)), "Resume: yes"))
			ready := p.readWord("ready")
			if want := fmt.Sprintf("%x", sha256.Sum256([]byte(store.content))); ready.Get("SHA-256") != want {
				t.Errorf("the part has the checksum %s, want %s", ready.Get("SHA-256"), want)
			}
			p.send(message("timeout")) // instead of the content
			if i == 0 {
				p.readRest()
				p = s.connectRaw(t)
			}
		}
		if store.read != 9*pieceSize {
			t.Errorf("%d bytes of the part were read, want %d", store.read, 9*pieceSize)
		}
		p.Close()
		s.stop(t)
	})
}

// A partStore has a part of one file.
type partStore struct {
	filetransfer.Store
	content string
	modTime time.Time
	read    int
}

func (s *partStore) Receive(string, bool) (filetransfer.Part, error) {
	return &storedPart{store: s}, nil
}

func (s *partStore) Free() (int64, error) { return 0, errors.ErrUnsupported }

func (s *partStore) RemoveParts(context.Context, time.Time) ([]string, error) { return nil, nil }

type storedPart struct {
	filetransfer.Part
	store *partStore
}

func (p *storedPart) Size() int64        { return int64(len(p.store.content)) }
func (p *storedPart) ModTime() time.Time { return p.store.modTime }
func (p *storedPart) Close() error       { return nil }

func (p *storedPart) ReadAt(b []byte, offset int64) (int, error) {
	n, err := strings.NewReader(p.store.content).ReadAt(b, offset)
	p.store.read += n
	return n, err
}

func TestServerBusyIfHashingTakesTooLong(t *testing.T) {
	const pieces = 100
	content := random(pieces * pieceSize)
	synctest.Test(t, func(t *testing.T) {
		files := &pieceFS{MapFS: fstest.MapFS{"a.txt": {Data: []byte("hello")}, "file": {Data: []byte(content), ModTime: settled()}}, pause: time.Second}
		s := startServer(t, "pipe", &filetransfer.Server{FS: files})
		ask := func(p *rawPeer) (word string) {
			p.send(resumeAt(content, len(content)))
			for word = "wait"; word == "wait"; {
				word, _ = p.readBlock()
			}
			return word
		}
		p := s.connectRaw(t)
		began := time.Now()
		if word := ask(p); word != "busy" {
			t.Errorf("the answer is %s, want busy", word)
		}
		if took := time.Since(began).Round(time.Second); took != time.Minute {
			t.Errorf("the server computed for %v", took)
		}
		if rest := p.readRest(); rest != "" {
			t.Errorf("after busy, the server sent %q", rest)
		}
		p.Close()
		s.wantServing(t)
		// The next session resumes at that offset.
		began = time.Now()
		p = s.connectRaw(t)
		if word := ask(p); word != "ok" {
			t.Errorf("the answer is %s, want ok", word)
		}
		if took := time.Since(began).Round(time.Second); took != 40*time.Second {
			t.Errorf("the server computed for %v", took)
		}
		p.Close()
		s.stop(t)
	})
}

func TestServerHashesWhatIsTransferred(t *testing.T) {
	const pieces = 100
	content := random(pieces * pieceSize)
	synctest.Test(t, func(t *testing.T) {
		files := &pieceFS{MapFS: fstest.MapFS{"file": {Data: []byte(content)}}, pause: time.Second}
		c := filetransfer.NewClient(serve(t, "pipe", &filetransfer.Server{FS: files}).conn)
		defer c.Close()
		if _, err := c.Get(t.Context(), "file", io.Discard); err != nil {
			t.Fatal(err)
		}
		local := filepath.Join(t.TempDir(), "file")
		for i := range 5 {
			writeFile(t, local+".part", content[:99*pieceSize])
			_, err := c.Download(t.Context(), "file", local)
			os.Remove(local)
			if i < 4 && err != nil {
				t.Errorf("resuming for the time %d: %v", i+1, err)
			}
			if i == 4 {
				wantError(t, err, filetransfer.ErrBusy)
			}
		}
	})
}

func TestServerStopsHashingForNobody(t *testing.T) {
	content := random(100 * pieceSize)
	hangUp := func(t *testing.T, network string, pause time.Duration) (reads int) {
		asked := make(chan struct{})
		files := &pieceFS{MapFS: fstest.MapFS{"file": {Data: []byte(content), ModTime: settled()}}, pause: pause}
		files.each = func() {
			if files.reads == 10 {
				close(asked)
			}
		}
		s := serve(t, network, &filetransfer.Server{FS: files})
		p := newRawPeer(t, s.conn)
		p.expect(filetransfer.Prompt)
		p.send(resumeAt(content, 99*pieceSize))
		<-asked
		p.Close()
		if err := <-s.err; !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("ServeConn: %v", err)
		}
		return files.reads
	}
	t.Run("pipe", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			if reads := hangUp(t, "pipe", 100*time.Millisecond); reads > 11 {
				t.Errorf("%d pieces were read after the client had left", reads-10)
			}
		})
	})
	for _, network := range sockets {
		t.Run(network, func(t *testing.T) {
			t.Parallel()
			if reads := hangUp(t, network, 50*time.Millisecond); reads > 90 {
				t.Error("the server read the whole file for nobody")
			}
		})
	}
}

// The file that was just written is read again after the content, which takes
// longer than the idle timeout.
func TestGetOutlastsSlowComparison(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		content := random(40 * pieceSize)
		files := &pieceFS{MapFS: fstest.MapFS{"file": {Data: []byte(content), ModTime: time.Now()}}, pause: time.Second}
		c := filetransfer.NewClient(serve(t, "pipe", &filetransfer.Server{FS: files}).conn)
		defer c.Close()
		var got bytes.Buffer
		if _, err := c.Get(t.Context(), "file", &got); err != nil || got.String() != content {
			t.Errorf("got %d bytes: %v", got.Len(), err)
		}
		if files.reads < 80 {
			t.Errorf("the server read %d pieces, and did not compare the file", files.reads)
		}
	})
}

func TestServerStopsComparingForNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		content := random(100 * pieceSize)
		files := &pieceFS{MapFS: fstest.MapFS{"file": {Data: []byte(content), ModTime: time.Now()}}, pause: 100 * time.Millisecond}
		s := serve(t, "pipe", &filetransfer.Server{FS: files})
		p := newRawPeer(t, s.conn)
		p.expect(filetransfer.Prompt)
		p.send(request("get", "Name: file"))
		p.readWord("ok")
		for at := 0; at < len(content); at += pieceSize {
			p.expect(chunk(content[at : at+pieceSize]))
		}
		p.Close()
		if err := <-s.err; err == nil {
			t.Error("ServeConn returned no error")
		}
		if files.reads > 130 { // the second keepalive fails
			t.Errorf("%d pieces were read after the client had left", files.reads-100)
		}
	})
}
