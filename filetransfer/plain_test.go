package filetransfer_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"strings"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/go-rfcomm/rfcomm/filetransfer"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

func TestServerPlainNameEndings(t *testing.T) {
	const silence = 300 * time.Millisecond
	long := strings.Repeat("d/", 1000) + strings.Repeat("n", 48) // 2,048 bytes
	files := fstest.MapFS{"a.txt": {Data: []byte("hello")}, "two words": {Data: []byte("hello")}, long: {Data: []byte("hello")}}
	for name, ask := range map[string]struct {
		pieces []string
		pause  time.Duration
		waits  bool // whether the server waits for a silence
	}{
		"with a silence":                     {[]string{"a.txt"}, 0, true},
		"with a line feed":                   {[]string{"a.txt\n"}, 0, false},
		"with a carriage return":             {[]string{"a.txt\r"}, 0, false},
		"with both":                          {[]string{"a.txt\r\n"}, 0, false},
		"with both, and more":                {[]string{"a.txt\r\nhello, world\n"}, 0, false},
		"with a line feed and more":          {[]string{"a.txt\n", "b.txt\n"}, 0, false},
		"with a line feed after a while":     {[]string{"a.txt", "\n"}, silence - 1, false},
		"in pieces, with a silence":          {[]string{"a", ".t", "xt"}, silence - 1, true},
		"in pieces, with a line feed":        {[]string{"a", ".", "txt", "\n"}, silence / 2, false},
		"in bytes":                           {strings.Split("a.txt\n", ""), silence - 1, false},
		"with a space in it":                 {[]string{"two words\n"}, 0, false},
		"at 2,048 bytes":                     {[]string{long}, 0, false},
		"at 2,048 bytes, in two frames":      {[]string{long[:1000], long[1000:]}, silence / 2, false},
		"at 2,048 bytes, whatever comes":     {[]string{long + strings.Repeat("x", 2000)}, 0, false},
		"at 2,048 bytes, with a line feed":   {[]string{long + "\r\n"}, 0, false},
		"at 2,048 bytes, and a late carrier": {[]string{long[:2047], "n"}, silence - 1, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := startServer(t, "pipe", &filetransfer.Server{FS: files})
				p := s.connectRaw(t)
				p.Go(func() {
					for i, piece := range ask.pieces {
						if i > 0 {
							time.Sleep(ask.pause)
						}
						p.send(piece)
					}
				})
				p.awaitData()
				p.expect("hello" + endMark)
				if rest := p.readRest(); rest != "" {
					t.Errorf("%q came after the mark", rest)
				}
				p.Close()
				p.Wait()
				s.stop(t)
			})
		})
	}
}

func TestServerPlainNameEndsWithHalfClose(t *testing.T) {
	for _, network := range sockets {
		s := serve(t, network, &filetransfer.Server{FS: offered()})
		p := newRawPeer(t, s.conn)
		p.expect(filetransfer.Prompt)
		p.send("a.txt")
		if err := s.conn.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		p.expect("hello" + endMark)
		if err := hosttest.Receive(t, s.err); err != nil {
			t.Errorf("ServeConn: %v", err)
		}
	}
}

func TestServeConnReturnsNilIfNothingAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, "pipe", &filetransfer.Server{FS: offered()})
		p := newRawPeer(t, s.conn)
		p.expect(filetransfer.Prompt)
		p.Close()
		if err := <-s.err; err != nil {
			t.Errorf("ServeConn: %v", err)
		}
	})
}

func TestServerPlainErrorIsOneLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, want := range map[string]string{
			"missing":                      "Error: file does not exist\n",
			"\n":                           "Error: invalid name",
			"sub":                          "Error: invalid name",
			"../a.txt":                     "Error: invalid name",
			"\x1b[2J":                      "Error: file does not exist\n",
			"/\x1b[2J\u009b":               "Error: invalid name",
			"/" + strings.Repeat("ü", 900): "Error: invalid name",
		} {
			s := startServer(t, "pipe", &filetransfer.Server{FS: offered()})
			p := s.connectRaw(t)
			p.send(name)
			got := p.readRest()
			if !strings.HasPrefix(got, want) || len(got) > 700 || strings.ContainsAny(strings.TrimSuffix(got, "\n"), "\n\r\x1b\u009b") || strings.Contains(got, endMark) {
				t.Errorf("%q is answered with %q, want %q", name, got, want)
			}
			p.Close()
			s.stop(t)
		}
	})
}

// A plainServer is a server of a test. It sends its answer in pieces, with
// pauses.
type plainServer struct {
	prompt []string
	pieces []string
	pause  time.Duration
	stays  bool // whether it leaves the connection open
}

func (s plainServer) speak(p *rawPeer) {
	for _, piece := range s.prompt {
		p.send(piece)
	}
	p.expect("a.txt")
	for i, piece := range s.pieces {
		if i > 0 {
			time.Sleep(s.pause)
		}
		p.send(piece)
	}
	if s.stays {
		p.readRest()
	}
}

func TestClientPlainFromPlainServers(t *testing.T) {
	prompt := []string{filetransfer.Prompt}
	late := time.Second // shorter than the silence that ends a file
	for name, test := range map[string]struct {
		plainServer
		want  string
		err   error // error to match; errAny matches all errors
		after time.Duration
	}{
		"whole":                             {plainServer{prompt: prompt, pieces: []string{"hello" + endMark}}, "hello", nil, 0},
		"whole, in pieces":                  {plainServer{prompt: prompt, pieces: strings.Split("hello"+endMark, ""), pause: late}, "hello", nil, 21 * late},
		"empty":                             {plainServer{prompt: prompt, pieces: []string{endMark}}, "", nil, 0},
		"the mark apart":                    {plainServer{prompt: prompt, pieces: []string{"hello", endMark}, pause: 29 * time.Second}, "hello", nil, 29 * time.Second},
		"stays after the mark":              {plainServer{prompt: prompt, pieces: []string{"hello" + endMark}, stays: true}, "hello", nil, 2 * time.Second},
		"stays after an empty file":         {plainServer{prompt: prompt, pieces: []string{endMark}, stays: true}, "", nil, 2 * time.Second},
		"the mark in the middle":            {plainServer{prompt: prompt, pieces: []string{"one " + endMark + " two" + endMark}}, "one " + endMark + " two", nil, 0},
		"the mark in the middle, in pieces": {plainServer{prompt: prompt, pieces: []string{"one " + endMark, " two" + endMark}, pause: late}, "one " + endMark + " two", nil, late},
		"the mark twice":                    {plainServer{prompt: prompt, pieces: []string{endMark + endMark}}, endMark, nil, 0},
		"the mark twice, in pieces":         {plainServer{prompt: prompt, pieces: []string{endMark, endMark}, pause: late}, endMark, nil, late},
		"the mark, with a long pause":       {plainServer{prompt: prompt, pieces: []string{endMark, endMark}, pause: 3 * time.Second}, "", nil, 2 * time.Second}, // undetectable
		"nearly the mark":                   {plainServer{prompt: prompt, pieces: []string{endMark[1:] + endMark[:5] + endMark}}, endMark[1:] + endMark[:5], nil, 0},
		"nothing":                           {plainServer{prompt: prompt}, "", io.ErrUnexpectedEOF, 0},
		"no mark":                           {plainServer{prompt: prompt, pieces: []string{"hello"}}, "hello", io.ErrUnexpectedEOF, 0},
		"half a mark":                       {plainServer{prompt: prompt, pieces: []string{"hello" + endMark[:16]}}, "hello", io.ErrUnexpectedEOF, 0},
		"a mark and more":                   {plainServer{prompt: prompt, pieces: []string{"hello" + endMark + "\n"}}, "hello" + endMark + "\n", io.ErrUnexpectedEOF, 0},
		"a silence":                         {plainServer{prompt: prompt, pieces: []string{"hello"}, stays: true}, "hello", os.ErrDeadlineExceeded, 30 * time.Second},
		"a silence in the mark":             {plainServer{prompt: prompt, pieces: []string{"hello" + endMark[:5]}, stays: true}, "hello", os.ErrDeadlineExceeded, 30 * time.Second},
		"an error":                          {plainServer{prompt: prompt, pieces: []string{"Error: file does not exist\n"}}, "", fs.ErrNotExist, 0},
		"an error in pieces":                {plainServer{prompt: prompt, pieces: strings.Split("Error: file does not exist\n", ""), pause: late}, "", fs.ErrNotExist, 26 * late},
		"an error without line end":         {plainServer{prompt: prompt, pieces: []string{"Error: file does not exist"}}, "", fs.ErrNotExist, 0},
		"an error with CR LF":               {plainServer{prompt: prompt, pieces: []string{"Error: file does not exist\r\n"}}, "", fs.ErrNotExist, 0},
		"an error of another kind":          {plainServer{prompt: prompt, pieces: []string{"Error: \x1b[2Jout of paper\n"}}, "", errAny, 0},
		"an error that stays":               {plainServer{prompt: prompt, pieces: []string{"Error: out of paper\n"}, stays: true}, "", errAny, 30 * time.Second},
		"a file that looks like an error":   {plainServer{prompt: prompt, pieces: []string{"Error: out of paper\n" + endMark}}, "Error: out of paper\n", nil, 0},
		"a file that begins like an error":  {plainServer{prompt: prompt, pieces: []string{"Error: out of paper\nand ink" + endMark}}, "Error: out of paper\nand ink", nil, 0},
		"a file that begins so, in pieces":  {plainServer{prompt: prompt, pieces: []string{"Err", "or: out of paper\n", "and ink", endMark}, pause: late}, "Error: out of paper\nand ink", nil, 3 * late},
		"an error in the middle":            {plainServer{prompt: prompt, pieces: []string{strings.Repeat("x", 100), "Error: broken\n"}}, strings.Repeat("x", 100) + "Error: broken\n", io.ErrUnexpectedEOF, 0},
		"a prompt in pieces":                {plainServer{prompt: strings.Split(filetransfer.Prompt, ""), pieces: []string{"hello" + endMark}}, "hello", nil, 0},
		"a prompt with a colon":             {plainServer{prompt: []string{filetransfer.Prompt + ": "}, pieces: []string{"hello" + endMark}}, "hello", nil, 0},
		"a prompt with a line end":          {plainServer{prompt: []string{filetransfer.Prompt + "\r\n"}, pieces: []string{"hello" + endMark}}, "hello", nil, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				conn := rawServer(t, test.speak)
				var got bytes.Buffer
				began := time.Now()
				n, err := fetch(t.Context(), conn, "a.txt", &got)
				if test.err == nil && err != nil || test.err != nil && err == nil || test.err != errAny && !errors.Is(err, test.err) {
					t.Errorf("the error is %v, want %v", err, test.err)
				}
				wantHarmless(t, err)
				if got.String() != test.want || n != int64(got.Len()) {
					t.Errorf("got %q and %d, want %q", &got, n, test.want)
				}
				if took := time.Since(began); took != test.after {
					t.Errorf("it took %v, want %v", took, test.after)
				}
			})
		})
	}
}

var errAny = errors.New("any error")

func TestClientPlainReturnsWhileServerStaysOpen(t *testing.T) {
	for _, network := range sockets {
		t.Run(network, func(t *testing.T) {
			t.Parallel()
			client, server := networks[network](t)
			p := newRawPeer(t, server)
			p.Go(func() {
				p.send(filetransfer.Prompt)
				p.expect("a.txt")
				p.send("hello" + endMark)
				p.readRest()
			})
			var got bytes.Buffer
			if _, err := fetch(t.Context(), client, "a.txt", &got); err != nil || got.String() != "hello" {
				t.Errorf("got %q, %v", &got, err)
			}
			client.Close()
			p.Wait()
		})
	}
}

func TestClientPlainRefusesPromptThatContinues(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn := rawServer(t, func(p *rawPeer) { p.send(filetransfer.Prompt + " of your \x1b[2Jchoice") })
		_, err := fetch(t.Context(), conn, "a.txt", io.Discard)
		wantHarmless(t, err)
		if err == nil || !strings.Contains(err.Error(), "of your") {
			t.Errorf("the error is %v", err)
		}
	})
}

func TestClientPlainRefusesNamesItCannotSend(t *testing.T) {
	client, server := net.Pipe()
	server.Close() // because nothing is sent
	for _, name := range []string{"", "\x00", "a\x00b", "a\nb", "a\rb", "a.txt\n", strings.Repeat("n", 2049)} {
		n, err := fetch(t.Context(), client, name, io.Discard)
		wantError(t, err, fs.ErrInvalid)
		if n != 0 || len(fmt.Sprint(err)) > 3000 {
			t.Errorf("%q: %d, %v", name, n, err)
		}
	}
}

func TestClientPlainAcceptsLongestName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		long := strings.Repeat("d/", 1000) + strings.Repeat("n", 48)
		s := serve(t, "pipe", &filetransfer.Server{FS: fstest.MapFS{long: {Data: []byte("hello")}}})
		var got bytes.Buffer
		began := time.Now()
		if _, err := fetch(t.Context(), s.conn, long, &got); err != nil || got.String() != "hello" {
			t.Errorf("got %q, %v", &got, err)
		}
		if took := time.Since(began); took != 0 {
			t.Errorf("the server waited for %v", took)
		}
	})
}
