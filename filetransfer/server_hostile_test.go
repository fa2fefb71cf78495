package filetransfer_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/go-rfcomm/rfcomm/filetransfer"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

// largeSize is larger than the buffers of any socket.
const largeSize = 64 << 20

// offered returns the files of the servers for hostile clients.
func offered() fs.FS {
	return endlessFS{fstest.MapFS{"a.txt": {Data: []byte("hello")}, "large": {}, "sub": {Mode: fs.ModeDir}}}
}

// endlessFS has a file "large" of zeros that needs no memory.
type endlessFS struct{ fstest.MapFS }

func (f endlessFS) Stat(name string) (fs.FileInfo, error) {
	if name == "large" {
		return new(zeroFile), nil
	}
	return f.MapFS.Stat(name)
}

func (f endlessFS) Open(name string) (fs.File, error) {
	if name == "large" {
		return &zeroFile{left: largeSize}, nil
	}
	return f.MapFS.Open(name)
}

// A zeroFile is a file of zeros.
type zeroFile struct{ left int }

func (z *zeroFile) Read(p []byte) (int, error) {
	n := min(len(p), z.left)
	if n == 0 {
		return 0, io.EOF
	}
	clear(p[:n])
	z.left -= n
	return n, nil
}

func (z *zeroFile) Name() string               { return "large" }
func (z *zeroFile) Size() int64                { return largeSize }
func (z *zeroFile) Mode() fs.FileMode          { return 0o644 }
func (z *zeroFile) ModTime() time.Time         { return time.Unix(1_700_000_000, 0) }
func (z *zeroFile) IsDir() bool                { return false }
func (z *zeroFile) Sys() any                   { return nil }
func (z *zeroFile) Stat() (fs.FileInfo, error) { return z, nil }
func (z *zeroFile) Close() error               { return nil }

// put returns a request to store a file.
func put(fields ...string) string { return request("put", append([]string{"Name: new"}, fields...)...) }

type hostileClient struct {
	do     func(p *rawPeer, idle time.Duration)
	tcp    bool   // whether to test over TCP as well
	reason string // reason that the server logs
	answer string // beginning of the server's answer, unless ""
}

// hostileClients are clients that violate the protocol. They have read the
// prompt. They return at the latest when the server drops them.
var hostileClients = map[string]hostileClient{
	"says nothing": {
		do:     func(*rawPeer, time.Duration) {},
		reason: "silent",
		answer: "Error: timeout: the client was silent, or took nothing, for 30s\n",
	},
	"hangs up after half a name of a request": {
		do:     func(p *rawPeer, _ time.Duration) { p.send("\x00filetr"); p.Close() },
		tcp:    true,
		reason: "unexpected EOF",
	},
	"says half a request": {
		do:     func(p *rawPeer, _ time.Duration) { p.send(request("stat", "Name: a.txt")[:30]) },
		reason: "silent",
		answer: "filetransfer/1 timeout\r\n",
	},
	"says a request without its last byte": {
		do: func(p *rawPeer, _ time.Duration) {
			text := request("stat", "Name: a.txt")
			p.send(text[:len(text)-1])
		},
		reason: "silent",
		answer: "filetransfer/1 timeout\r\n",
	},
	"drips a request": {
		do: func(p *rawPeer, idle time.Duration) {
			p.Go(func() {
				p.send(request("stat", "Name: a.txt")[:50])
				p.sendForever(idle/50, "a")
			})
		},
		reason: "silent",
		answer: "filetransfer/1 timeout\r\n",
	},
	"drips a name": {
		do: func(p *rawPeer, _ time.Duration) {
			p.Go(func() { p.sendForever(100*time.Millisecond, "a") })
		},
		reason: "was not whole within",
		answer: "Error: timeout: the name was not whole within 30s\n",
	},
	"sends a line without end": {
		do: func(p *rawPeer, _ time.Duration) {
			p.send("\x00filetransfer/1 stat\r\nName: ")
			p.sendForever(time.Millisecond, zeroText)
		},
		reason: "more than 16384 bytes",
	},
	"sends lines without end": {
		do: func(p *rawPeer, _ time.Duration) {
			p.send("\x00filetransfer/1 stat\r\n")
			p.sendForever(time.Millisecond, "A: "+strings.Repeat("b", 500)+"\r\n")
		},
		tcp:    true,
		reason: "more than 16384 bytes",
	},
	"sends many fields": {
		do: func(p *rawPeer, _ time.Duration) {
			var fields []string
			for i := range 100 {
				fields = append(fields, fmt.Sprintf("A%d: b", i))
			}
			p.send(request("stat", append(fields, "Name: a.txt")...))
		},
		reason: "more than 64 fields",
	},
	"sends a long request": {
		do:     func(p *rawPeer, _ time.Duration) { p.send(request("stat", "Name: "+strings.Repeat("a", 17<<10))) },
		tcp:    true,
		reason: "more than 16384 bytes",
	},
	"sends a field twice": {
		do:     func(p *rawPeer, _ time.Duration) { p.send(request("stat", "Name: a.txt", "NAME: a.txt")) },
		reason: "2 fields named Name",
		answer: "filetransfer/1 corrupt\r\n",
	},
	"sends a field without a colon": {
		do:     func(p *rawPeer, _ time.Duration) { p.send(request("stat", "Name a.txt")) },
		reason: "malformed",
		answer: "filetransfer/1 corrupt\r\n",
	},
	"sends a wrong checksum": {
		do: func(p *rawPeer, _ time.Duration) {
			p.send("\x00filetransfer/1 stat\r\nName: a.txt\r\nCRC-32: 00000000\r\n\r\n")
		},
		tcp:    true,
		reason: "CRC-32",
		answer: "filetransfer/1 corrupt\r\n",
	},
	"sends no method": {
		do:     func(p *rawPeer, _ time.Duration) { p.send("\x00filetransfer/1\r\n\r\n") },
		reason: "malformed",
		answer: "filetransfer/1 corrupt\r\n",
	},
	"speaks a later version": {
		do:     func(p *rawPeer, _ time.Duration) { p.send("\x00filetransfer/2 stat\r\nName: a.txt\r\n\r\n") },
		tcp:    true,
		reason: "version 2",
		answer: "filetransfer/1 unsupported\r\n",
	},
	"speaks no version": {
		do:     func(p *rawPeer, _ time.Duration) { p.send("\x00filetransfer/one stat\r\nName: a.txt\r\n\r\n") },
		reason: "version one",
		answer: "filetransfer/1 unsupported\r\n",
	},
	"speaks another dialect": {
		do:     func(p *rawPeer, _ time.Duration) { p.send("\x00GET / HTTP/1.1\r\n\r\n") },
		reason: "GET / HTTP/1.1",
		answer: "filetransfer/1 corrupt\r\n",
	},
	"begins a second request without NUL": {
		do: func(p *rawPeer, _ time.Duration) {
			p.send(request("stat", "Name: a.txt"))
			p.readWord("ok")
			p.send(message("stat", "Name: a.txt"))
		},
		tcp:    true,
		reason: "begins with",
		answer: "filetransfer/1 corrupt\r\n",
	},
	"hangs up in the middle of a put": {
		do: func(p *rawPeer, _ time.Duration) {
			p.send(put("Size: 10"))
			p.readWord("ready")
			p.send(message("from"), chunk("hello"))
			p.Close()
		},
		tcp:    true,
		reason: "unexpected EOF",
	},
	"says nothing instead of the content": {
		do: func(p *rawPeer, _ time.Duration) {
			p.send(put("Size: 10"))
			p.readWord("ready")
		},
		reason: "silent",
	},
	"says nothing in the middle of the content": {
		do: func(p *rawPeer, _ time.Duration) {
			p.send(put("Size: 10"))
			p.readWord("ready")
			p.send(message("from"), chunk("hello"))
		},
		reason: "silent",
	},
	"drips content": {
		do: func(p *rawPeer, idle time.Duration) {
			p.send(put("Size: unknown"))
			p.readWord("ready")
			p.send(message("from"))
			p.sendForever(idle/20, chunk("x"))
		},
		reason: "silent",
	},
	"goes on from what is not there": {
		do: func(p *rawPeer, _ time.Duration) {
			p.send(put("Size: 10", "Resume: yes"))
			p.readWord("ready")
			p.send(message("from", "Offset: 5", "SHA-256: "+sumOfHello))
		},
		tcp:    true,
		reason: "malformed message: content begins at 5",
		answer: "filetransfer/1 corrupt\r\n",
	},
	"answers out of turn": {
		do: func(p *rawPeer, _ time.Duration) {
			p.send(put("Size: 10"))
			p.readWord("ready")
			p.send(message("ok"))
		},
		reason: "malformed message: answer ok instead of from",
		answer: "filetransfer/1 corrupt\r\n",
	},
	"sends less than it stated": {
		do: func(p *rawPeer, _ time.Duration) {
			p.send(put("Size: 10"))
			p.readWord("ready")
			p.send(message("from"), chunk("hello"), "0\r\n", message("end", "SHA-256: "+sumOfHello))
		},
		tcp:    true,
		reason: "content of 5 bytes instead of 10",
		answer: "filetransfer/1 corrupt\r\n",
	},
	"sends content without end after it was refused": {
		do: func(p *rawPeer, idle time.Duration) {
			p.send(put("Size: unknown"))
			p.readWord("ready")
			p.send(message("from"))
			p.Go(func() { p.sendForever(idle/1000, chunk(zeroText)) })
			p.readWord("too-large")
		},
		reason: "file is too large",
	},
	"sends more than it stated, without end": {
		do: func(p *rawPeer, idle time.Duration) {
			p.send(put("Size: 4"))
			p.readWord("ready")
			p.send(message("from"))
			p.Go(func() { p.sendForever(idle/1000, chunk("hello")) })
			p.readWord("corrupt")
		},
		reason: "more than the stated 4 bytes",
	},
	"says nothing more after it was refused": {
		do: func(p *rawPeer, _ time.Duration) {
			p.send(put("Size: 4"))
			p.readWord("ready")
			p.send(message("from"), chunk("hello"))
			p.readWord("corrupt")
		},
		reason: "more than the stated 4 bytes",
	},
	"takes nothing of a file": {
		do: func(p *rawPeer, idle time.Duration) {
			p.send(request("get", "Name: large"))
			time.Sleep(2 * idle)
		},
		reason: "took nothing",
	},
	"drips its reading": {
		do: func(p *rawPeer, idle time.Duration) {
			p.send(request("get", "Name: large"))
			for range 100 {
				p.Read(make([]byte, 1))
				time.Sleep(idle / 50)
			}
		},
		reason: "took nothing",
	},
	"takes nothing of a file in the plain dialect": {
		do: func(p *rawPeer, idle time.Duration) {
			p.send("large\n")
			time.Sleep(2 * idle)
		},
		reason: "took nothing",
	},
	"hangs up in the middle of a file": {
		do: func(p *rawPeer, _ time.Duration) {
			p.send(request("get", "Name: large"))
			p.readWord("ok")
			p.Close()
		},
		tcp:    true,
		reason: "get",
	},
	"hangs up in the middle of a file in the plain dialect": {
		do: func(p *rawPeer, _ time.Duration) {
			p.send("large\n")
			p.awaitData()
			p.Close()
		},
		tcp:    true,
		reason: "get",
	},
	"hangs up without a receipt": {
		do: func(p *rawPeer, _ time.Duration) {
			p.send(request("get", "Name: a.txt"))
			p.readWord("ok")
			p.expect(chunk("hello") + "0\r\n")
			p.readWord("end")
			p.Close()
		},
		tcp:    true,
		reason: "not confirmed",
	},
	"gives no receipt": {
		do: func(p *rawPeer, _ time.Duration) {
			p.send(request("get", "Name: a.txt"))
			p.readWord("ok")
			p.expect(chunk("hello") + "0\r\n")
			p.readWord("end")
		},
		reason: "not confirmed",
	},
	"asks again instead of a receipt": {
		do: func(p *rawPeer, _ time.Duration) {
			p.send(request("get", "Name: a.txt"))
			p.readWord("ok")
			p.expect(chunk("hello") + "0\r\n")
			p.readWord("end")
			p.send(request("get", "Name: a.txt"))
		},
		tcp:    true,
		reason: "not confirmed: malformed",
	},
}

const zeroText = "0000000000000000000000000000000000000000000000000000000000000000"

func init() {
	for _, bad := range []string{
		"-1", "ffffffffffffffff", "ffff", "8001", "10000", "zz", "", "0x5", "05", "00", "+5", " 5", "5 ", "5;a=b", "5\r", "hello, world",
	} {
		hostileClients[fmt.Sprintf("sends a chunk of length %q", bad)] = hostileClient{
			do: func(p *rawPeer, _ time.Duration) {
				p.send(put("Size: unknown"))
				p.readWord("ready")
				p.send(message("from"), chunk("hello"), bad, "\r\n")
				p.sendForever(time.Millisecond, zeroText)
			},
			tcp:    bad == "zz",
			reason: "malformed message",
		}
	}
	for _, bad := range []string{"x", "x\r\n", " \r\n", "hello", "\n\n", "\r\r\n"} {
		hostileClients[fmt.Sprintf("ends a chunk with %q", bad)] = hostileClient{
			do: func(p *rawPeer, _ time.Duration) {
				p.send(put("Size: unknown"))
				p.readWord("ready")
				p.send(message("from"), "5\r\nhello", bad)
				p.sendForever(time.Millisecond, zeroText)
			},
			reason: "malformed message",
		}
	}
}

func TestServerDropsHostileClients(t *testing.T) {
	for name, hostile := range hostileClients {
		for _, network := range []string{"pipe", "sticky pipe"} {
			t.Run(name+" on "+network, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { hostile.isDropped(t, network) })
			})
		}
		if !hostile.tcp {
			continue
		}
		for _, network := range []string{"tcp", "sticky", "tls"} {
			t.Run(name+" on "+network, func(t *testing.T) {
				t.Parallel()
				hostile.isDropped(t, network)
			})
		}
	}
}

func (h hostileClient) isDropped(t *testing.T, network string) {
	const idle = 30 * time.Second
	uploads := newDir(t, nil)
	s := startServer(t, network, &filetransfer.Server{FS: offered(), Uploads: filetransfer.NewDir(uploads), Replace: true, MaxUpload: 1 << 10})
	p := s.connectRaw(t)
	began := time.Now()
	h.do(p, idle)
	if heard := p.readRest(); !strings.HasPrefix(heard, h.answer) {
		t.Errorf("the answer is %q, want %q", heard, h.answer)
	}
	p.Close()
	p.Wait()
	if took := time.Since(began); took > 5*idle/2 {
		t.Errorf("it took %v", took)
	}
	s.wantServing(t)
	s.log.wantDropped(t, h.reason)
	s.stop(t)
	if _, err := uploads.Stat("new"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("something was stored: %v", err)
	}
}

// wantServing checks that the next client is served, in both dialects.
func (s *testServer) wantServing(t testing.TB) {
	t.Helper()
	var got bytes.Buffer
	conn := s.dial()
	defer conn.Close()
	if _, err := fetch(t.Context(), conn, "a.txt", &got); err != nil || got.String() != "hello" {
		t.Errorf("the next client got %q, %v", &got, err)
	}
	conn.Close()
	c := filetransfer.NewClient(s.dial())
	defer c.Close()
	if _, err := c.Get(t.Context(), "a.txt", &got); err != nil || got.String() != "hellohello" {
		t.Errorf("the next framed client got %q, %v", &got, err)
	}
}

func TestServerDropsClientThatReadsNothing(t *testing.T) {
	for dialect, ask := range map[string]string{"framed": request("get", "Name: large"), "plain": "large\n"} {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			s := serve(t, "tcp", &filetransfer.Server{FS: offered(), IdleTimeout: 100 * time.Millisecond})
			p := newRawPeer(t, s.conn)
			p.expect(filetransfer.Prompt)
			p.send(ask)
			if err := hosttest.Receive(t, s.err); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("ServeConn: %v", err)
			}
		})
	}
}

func TestServerKeepsConnAfterWrongRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startServer(t, "pipe", &filetransfer.Server{FS: offered(), Uploads: filetransfer.NewDir(newDir(t, nil)), Replace: true, MaxUpload: 1 << 10})
		p := s.connectRaw(t)
		for _, ask := range []struct{ request, answer string }{
			{request("dance", "Name: a.txt"), "unsupported"},
			{request("stat"), "invalid"},
			{request("stat", "Name: %zz"), "corrupt"},
			{request("stat", "Name: %"), "corrupt"},
			{request("stat", "Name: a%00b"), "invalid"},
			{request("get", "Name: missing"), "not-exist"},
			{request("get", "Name: a.txt", "Offset: -1"), "corrupt"},
			{request("get", "Name: a.txt", "Offset: 1e3"), "corrupt"},
			{request("get", "Name: a.txt", "Offset: 99999999999999999999"), "corrupt"},
			{request("get", "Name: a.txt", "Offset: 1"), "corrupt"},
			{request("get", "Name: a.txt", "Offset: 1", "SHA-256: 00"), "corrupt"},
			{request("get", "Name: a.txt", "Offset: 1", "SHA-256: "+strings.Repeat("x", 64)), "corrupt"},
			{request("get", "Name: a.txt", "Offset: 6", "SHA-256: "+sumOfHello), "changed"},
			{request("get", "Name: a.txt", "Offset: 9223372036854775807", "SHA-256: "+sumOfHello), "changed"},
			{request("get", "Name: a.txt", "Offset: 4", "SHA-256: "+sumOfHello), "changed"},
			{request("put", "Name: new"), "corrupt"},
			{put("Size: -1"), "corrupt"},
			{put("Size: 0x10"), "corrupt"},
			{put("Size: 9223372036854775808"), "corrupt"},
			{put("Size: 1025"), "too-large"},
			{put("Size: 9223372036854775807"), "too-large"},
			{put("Size: 5", "Mode: 8"), "corrupt"},
			{put("Size: 5", "Mode: 4755"), "corrupt"},
			{put("Size: 5", "Mode: 37777777777"), "corrupt"},
			{put("Size: 5", "Mode: -1"), "corrupt"},
			{put("Size: 5", "Modified: yesterday"), "corrupt"},
			{put("Size: 5", "Modified: 2026-13-45T10:00:00Z"), "corrupt"},
			{request("put", "Name: .", "Size: 5"), "invalid"},
			{request("put", "Name: missing/new", "Size: 5"), "not-exist"},
			{request("put", "Name: new.part", "Size: 5"), "invalid"},
			{request("list", "Name: a.txt"), "invalid"},
			{request("list", "Name: missing"), "not-exist"},
		} {
			p.send(ask.request)
			if message := p.readWord(ask.answer).Get("Message"); message == "" {
				t.Errorf("no message comes to %q", ask.request)
			}
		}
		// The last request is valid.
		fields := []string{"Name: a.txt", "Offset: 0"}
		for i := range 61 { // with the checksum, the maximum number of fields
			fields = append(fields, fmt.Sprintf("Later%d: field", i))
		}
		p.send(request("get", fields...))
		p.readWord("ok")
		p.expect(chunk("hello") + "0\r\n")
		p.readWord("end")
		p.send(message("ok"))
		p.Close()
		s.wantServing(t)
		if strings.Contains(s.log.String(), "dropped") {
			t.Errorf("somebody was dropped:\n%s", s.log)
		}
		s.stop(t)
	})
}

func TestServerKeepsConnAfterRefusedContent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		uploads := newDir(t, nil)
		s := startServer(t, "pipe", &filetransfer.Server{FS: offered(), Uploads: filetransfer.NewDir(uploads), Replace: true, MaxUpload: 1 << 10})
		c := filetransfer.NewClient(s.dial())
		defer c.Close()
		for _, content := range []struct {
			text string
			size int64
			want error
		}{
			{strings.Repeat("x", 1025), 1025, filetransfer.ErrTooLarge},
			{strings.Repeat("x", 1025), -1, filetransfer.ErrTooLarge},
			{strings.Repeat("x", 1<<20), -1, filetransfer.ErrTooLarge},
			{"hello", 4, fs.ErrInvalid},
			{"hello", 6, io.ErrUnexpectedEOF},
			{"", 1, io.ErrUnexpectedEOF},
		} {
			err := doPut(t.Context(), c, "new", strings.NewReader(content.text), filetransfer.Info{Size: content.size})
			wantError(t, err, content.want)
			if _, err := uploads.Stat("new"); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%d of %d bytes were stored: %v", len(content.text), content.size, err)
			}
		}
		broken := errors.New("broken")
		for _, r := range []func() io.Reader{
			func() io.Reader { return iotest.ErrReader(broken) },
			func() io.Reader { return io.MultiReader(strings.NewReader("hello"), iotest.ErrReader(broken)) },
		} {
			for _, size := range []int64{-1, 5, 10} {
				wantError(t, doPut(t.Context(), c, "new", r(), filetransfer.Info{Size: size}), broken)
			}
		}
		for _, size := range []int64{-1, 0, 5} {
			wantError(t, doPut(t.Context(), c, "new", nothing{}, filetransfer.Info{Size: size}), io.ErrNoProgress)
		}
		for _, size := range []int64{-1, 1 << 10} {
			c.Overwrite = true
			if err := doPut(t.Context(), c, "new", strings.NewReader(strings.Repeat("x", 1<<10)), filetransfer.Info{Size: size}); err != nil {
				t.Error(err)
			}
		}
		c.Close()
		s.wantServing(t)
		s.stop(t)
	})
}

func TestServerKeepsOnlyResumableParts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		uploads := newDir(t, nil)
		s := startServer(t, "pipe", &filetransfer.Server{Uploads: filetransfer.NewDir(uploads), Replace: true, MaxUpload: 10})
		for _, upload := range []struct {
			size, content, end, answer string
			left                       []string
		}{
			{"unknown", chunk("hello") + chunk("hello!"), message("end", "SHA-256: "+sumOfHello), "too-large", nil},
			{"4", chunk("hello"), message("end", "SHA-256: "+sumOfHello), "corrupt", nil},
			{"5", chunk("hello"), message("end", "SHA-256: "+sumOfNothing), "corrupt", nil},
			{"5", "", message("end", "SHA-256: "+sumOfNothing), "corrupt", nil},
			{"10", chunk("hello"), message("failed", "Message: the disk is broken"), "failed", []string{"new.part"}},
			{"10", chunk("hello"), message("incomplete"), "incomplete", []string{"new.part"}},
		} {
			p := s.connectRaw(t)
			p.send(put("Size: " + upload.size))
			p.readWord("ready")
			p.Go(func() { p.send(message("from"), upload.content, "0\r\n", upload.end) })
			p.readWord(upload.answer)
			p.Close()
			p.Wait()
			s.connectRaw(t).Close() // connects after the first client has disconnected
			wantFiles(t, uploads.Name(), upload.left...)
		}
		s.stop(t)
	})
}

func TestServerLogsToDefaultLogger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := new(logbook)
		before := slog.Default()
		defer slog.SetDefault(before)
		slog.SetDefault(log.logger())
		client, server := net.Pipe()
		p := newRawPeer(t, client)
		served := hosttest.InBackground(func() error {
			return (&filetransfer.Server{FS: offered()}).ServeConn(context.Background(), server)
		})
		p.expect(filetransfer.Prompt)
		p.send("\x00hello\n")
		p.readWord("corrupt")
		if err := <-served; !errors.Is(err, filetransfer.ErrCorrupt) {
			t.Errorf("ServeConn: %v", err)
		}
		log.wantDropped(t, "hello")
	})
}

// A rawLog keeps the unquoted values of log records.
type rawLog struct {
	slog.Handler
	texts chan string
}

func (h rawLog) Enabled(context.Context, slog.Level) bool { return true }
func (h rawLog) WithAttrs([]slog.Attr) slog.Handler       { return h }

func (h rawLog) Handle(_ context.Context, r slog.Record) error {
	h.texts <- r.Message
	r.Attrs(func(a slog.Attr) bool {
		if a.Key != "name" { // slog handlers quote it
			h.texts <- a.Value.String()
		}
		return true
	})
	return nil
}

func TestServerLogsPrintableShortText(t *testing.T) {
	bad := "\x1b[2J\a\u202e" + strings.Repeat("long ", 3000)
	for _, send := range []string{
		request("stat\x1b[2J\a", "Name: a.txt"),
		request(bad, "Name: a.txt"),
		request("stat", "Name: "+url.PathEscape(bad)),
		request("get", "Name: "+url.PathEscape(bad[:5000]), "Offset: "+bad[:50]),
		put("Size: 5", "Mode: "+url.QueryEscape(bad)),
		"\x00" + bad + "\n",
		"\x00filetransfer/" + bad[:40] + " stat\n\n",
		"\x00filetransfer/1 stat\n" + bad + "\n\n",
		bad[:2000] + "\n",
		"/" + bad[:2000] + "\n",
		request("stat", "Name: a.txt") + bad,
	} {
		synctest.Test(t, func(t *testing.T) {
			log := rawLog{slog.DiscardHandler, make(chan string, 100)}
			client, server := net.Pipe()
			p := newRawPeer(t, client)
			s := serveOn(t, &filetransfer.Server{FS: offered(), Uploads: filetransfer.NewDir(newDir(t, nil)), Replace: true, Logger: slog.New(log)}, client, server)
			p.expect(filetransfer.Prompt)
			p.Go(func() { p.readRest() })
			p.send(send)
			if err := <-s.err; err != nil {
				log.texts <- err.Error()
			}
			p.Wait()
			close(log.texts)
			for text := range log.texts {
				if len(text) > 4000 || strings.ContainsFunc(text, func(r rune) bool { return !strconv.IsPrint(r) }) {
					t.Errorf("%.30q is logged as %.100q, %d bytes", send, text, len(text))
				}
			}
		})
	}
}

// connWithoutAddr is a connection without addresses.
type connWithoutAddr struct{ net.Conn }

func (connWithoutAddr) LocalAddr() net.Addr  { return nil }
func (connWithoutAddr) RemoteAddr() net.Addr { return nil }

func TestServeConnAcceptsConnWithoutAddr(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := net.Pipe()
		s := serveOn(t, &filetransfer.Server{FS: offered()}, client, connWithoutAddr{server})
		c := filetransfer.NewClient(connWithoutAddr{s.conn})
		if _, err := c.Stat(t.Context(), "a.txt"); err != nil {
			t.Error(err)
		}
		c.Close()
		if err := <-s.err; err != nil {
			t.Error(err)
		}
	})
}

// A flakyListener fails before it accepts.
type flakyListener struct {
	*pipeListener
	errs []error
}

func (l *flakyListener) Accept() (net.Conn, error) {
	if len(l.errs) > 0 {
		err := l.errs[0]
		l.errs = l.errs[1:]
		return nil, err
	}
	return l.pipeListener.Accept()
}

type temporary struct{ error }

func (temporary) Temporary() bool { return true }

func TestServeRetriesTemporaryAcceptErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		busy := &net.OpError{Op: "accept", Err: os.NewSyscallError("accept", temporary{errors.New("too many open files")})}
		l := &flakyListener{newPipeListener(), make([]error, 20)}
		for i := range l.errs {
			l.errs[i] = busy
		}
		log := new(logbook)
		server := &filetransfer.Server{FS: offered(), Logger: log.logger()}
		served := hosttest.InBackground(func() error { return server.Serve(l) })
		began := time.Now()
		p := newRawPeer(t, l.dial())
		p.expect(filetransfer.Prompt)
		if took := time.Since(began); took < 10*time.Second || took > 20*time.Second {
			t.Errorf("Serve paused for %v in all", took)
		}
		if n := strings.Count(log.String(), "too many open files"); n != 20 {
			t.Errorf("%d errors were logged", n)
		}
		server.Close()
		if err := <-served; err != filetransfer.ErrServerClosed {
			t.Errorf("Serve: %v", err)
		}
	})
}

func TestServeReturnsOtherAcceptErrors(t *testing.T) {
	broken := errors.New("broken")
	l := &flakyListener{newPipeListener(), []error{broken}}
	server := &filetransfer.Server{Logger: quiet}
	if err := server.Serve(l); !errors.Is(err, broken) {
		t.Errorf("Serve: %v", err)
	}
	if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("the listener is still open: %v", err)
	}
}
