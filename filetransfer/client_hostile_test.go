package filetransfer_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/go-rfcomm/rfcomm/filetransfer"
)

// rawServer returns the client's end of a connection. In the background, speak
// plays the server; the connection is closed when it returns.
func rawServer(t testing.TB, speak func(p *rawPeer)) net.Conn {
	t.Helper()
	client, server := net.Pipe()
	p := newRawPeer(t, server)
	t.Cleanup(func() { client.Close(); p.Wait() })
	p.Go(func() {
		defer p.Close()
		speak(p)
	})
	return client
}

// withPrompt returns a server that sends the prompt and then runs speak.
func withPrompt(speak func(p *rawPeer)) func(p *rawPeer) {
	return func(p *rawPeer) {
		p.send(filetransfer.Prompt)
		speak(p)
	}
}

// answering returns a server that answers the first request, whatever it is,
// and then closes the connection.
func answering(method string, answer ...string) func(p *rawPeer) {
	return withPrompt(func(p *rawPeer) {
		p.readWord(method)
		p.send(answer...)
	})
}

// errorsOfCalls calls each method of Client, and a plain Get, on a new connection and
// returns the errors. A download that fails must leave no file.
func errorsOfCalls(t *testing.T, speak func(p *rawPeer)) map[string]error {
	local := filepath.Join(t.TempDir(), "local")
	writeFile(t, local, "hello")
	result := make(map[string]error)
	for name, call := range map[string]func(c *filetransfer.Client) error{
		"stat": func(c *filetransfer.Client) error { _, err := c.Stat(t.Context(), "a.txt"); return err },
		"list": func(c *filetransfer.Client) error { _, err := c.List(t.Context(), "."); return err },
		"get":  func(c *filetransfer.Client) error { _, err := c.Get(t.Context(), "a.txt", io.Discard); return err },
		"download": func(c *filetransfer.Client) error {
			_, err := c.Download(t.Context(), "a.txt", local+".new")
			return err
		},
		"put": func(c *filetransfer.Client) error {
			return doPut(t.Context(), c, "a.txt", strings.NewReader("hello"), filetransfer.Info{Size: 5})
		},
		"upload": func(c *filetransfer.Client) error { return doUpload(t.Context(), c, local, "a.txt") },
	} {
		c := filetransfer.NewClient(rawServer(t, speak))
		result[name] = call(c)
		c.Close()
		wantHarmless(t, result[name])
		if _, err := os.Stat(local + ".new"); result[name] != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: a file was downloaded despite an error: %v", name, err)
		}
		os.Remove(local + ".new.part")
	}
	conn := rawServer(t, speak)
	_, result["fetch"] = fetch(t.Context(), conn, "a.txt", io.Discard)
	conn.Close()
	wantHarmless(t, result["fetch"])
	return result
}

// wantHarmless checks that an error, if not nil, has a name and is one short
// line.
func wantHarmless(t testing.TB, err error) {
	t.Helper()
	if err == nil {
		return
	}
	var path *fs.PathError
	if !errors.As(err, &path) || path.Path == "" || path.Op == "" {
		t.Errorf("%v is not a *fs.PathError with a name", err)
		return
	}
	text := err.Error()
	if len(text) > 700 || !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
		t.Errorf("the error is %q", text)
	}
}

func TestClientRefusesServersWithoutPrompt(t *testing.T) {
	for name, server := range map[string]struct {
		speak func(p *rawPeer)
		want  error // error to match
		text  string
	}{
		"says nothing":             {func(p *rawPeer) { p.readRest() }, os.ErrDeadlineExceeded, "silent, or took nothing, for 30s"},
		"hangs up":                 {func(p *rawPeer) {}, io.ErrUnexpectedEOF, "closed the connection before its prompt"},
		"hangs up in the prompt":   {func(p *rawPeer) { p.send("Enter the fi") }, io.ErrUnexpectedEOF, ""},
		"stops in the prompt":      {func(p *rawPeer) { p.send("Enter the file nam"); p.readRest() }, os.ErrDeadlineExceeded, ""},
		"drips the prompt":         {func(p *rawPeer) { p.sendSlowly(filetransfer.Prompt, 2*time.Second) }, os.ErrDeadlineExceeded, ""},
		"has another prompt":       {func(p *rawPeer) { p.send("Enter the filename: "); p.readRest() }, nil, `sent Enter the filename: instead of`},
		"has a prompt without end": {func(p *rawPeer) { p.sendForever(time.Millisecond, "\x1b[31mEnter \x07\n") }, nil, "is it a file server?"},
		"is a mail server":         {func(p *rawPeer) { p.send("220 mail.example.com ESMTP\r\n"); p.readRest() }, nil, "220 mail.example.co"},
		"closes":                   {func(p *rawPeer) { p.send(filetransfer.Prompt + "Error: server is closing; try again later\n") }, filetransfer.ErrServerClosed, "try again later"},
		"refuses with a long error": {func(p *rawPeer) {
			p.send(filetransfer.Prompt + "Error: " + strings.Repeat("no \x1b[2J", 10_000) + "\n")
		}, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				for call, err := range errorsOfCalls(t, server.speak) {
					if err == nil || server.want != nil && !errors.Is(err, server.want) || !strings.Contains(err.Error(), server.text) {
						t.Errorf("%s: %v, want %v that says %q", call, err, server.want, server.text)
					}
				}
			})
		})
	}
}

func TestClientReportsPlainOnlyServers(t *testing.T) {
	const hint = "try the plain one"
	for name, server := range map[string]struct {
		speak func(p *rawPeer)
		want  error
		text  string
	}{
		"hangs up at the first request": {
			withPrompt(func(p *rawPeer) { p.Read(make([]byte, 2048)) }),
			io.ErrUnexpectedEOF, hint,
		},
		"hangs up within the first request": {
			withPrompt(func(p *rawPeer) { p.Read(make([]byte, 5)) }),
			io.ErrUnexpectedEOF, hint,
		},
		"answers in its own words": {
			withPrompt(func(p *rawPeer) { p.Read(make([]byte, 2048)); p.send("Transfer complete") }),
			errors.ErrUnsupported, hint,
		},
		"answers in few words": {
			withPrompt(func(p *rawPeer) { p.Read(make([]byte, 2048)); p.send("no") }),
			errors.ErrUnsupported, hint,
		},
		"answers with an escape": {
			withPrompt(func(p *rawPeer) { p.Read(make([]byte, 2048)); p.send("\x1b[2Jhello, world, \x07") }),
			errors.ErrUnsupported, hint,
		},
		"answers in the plain dialect": {
			withPrompt(func(p *rawPeer) { p.Read(make([]byte, 2048)); p.send("Error: file does not exist\n") }),
			fs.ErrNotExist, "the server reports: file does not exist",
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				for call, err := range errorsOfCalls(t, server.speak) {
					if call != "fetch" && (!errors.Is(err, server.want) || !strings.Contains(err.Error(), server.text)) {
						t.Errorf("%s: %v, want %v that says %q", call, err, server.want, server.text)
					}
				}
			})
		})
	}
}

func TestClientHintsAtPlainWhenServerHangsUp(t *testing.T) {
	for _, network := range sockets {
		for what, heard := range map[string]int{"all": 2048, "a byte": 1} {
			t.Run(network+" after "+what, func(t *testing.T) {
				client, server := networks[network](t)
				p := newRawPeer(t, server)
				go func() {
					defer p.Close()
					p.send(filetransfer.Prompt)
					p.Read(make([]byte, heard)) // unread bytes cause a reset
				}()
				c := filetransfer.NewClient(client)
				defer c.Close()
				_, err := c.Stat(t.Context(), strings.Repeat("n", 200))
				wantError(t, err, io.ErrUnexpectedEOF)
				if !strings.Contains(fmt.Sprint(err), "try the plain one") {
					t.Errorf("no hint in %v", err)
				}
			})
		}
	}
}

func TestClientRefusesWrongAnswers(t *testing.T) {
	end := message("end", "SHA-256: "+sumOfHello)
	escaped := "\u009b2J\u009d0;gotcha\u0090\u202e\u00a0\xff" + strings.Repeat("x", 5000)
	for name, server := range map[string]struct {
		method string
		answer string
		want   error
	}{
		"answer with a wrong checksum":      {"stat", "filetransfer/1 ok\r\nSize: 5\r\nCRC-32: 00000000\r\n\r\n", filetransfer.ErrCorrupt},
		"answer without end":                {"stat", "filetransfer/1 ok\r\n" + strings.Repeat("A: b\r\n", 4000), filetransfer.ErrCorrupt},
		"answer with a line without end":    {"stat", "filetransfer/1 ok\r\nA: " + strings.Repeat("b", 20_000), filetransfer.ErrCorrupt},
		"answer that is cut":                {"stat", message("ok", "Size: 5")[:30], io.ErrUnexpectedEOF},
		"answer of a later version":         {"stat", "filetransfer/2 ok\r\nSize: 5\r\n\r\n", errors.ErrUnsupported},
		"answer that is none":               {"stat", message("maybe", "Size: 5"), filetransfer.ErrCorrupt},
		"answer of another method":          {"stat", message("ready"), filetransfer.ErrCorrupt},
		"size that is negative":             {"stat", message("ok", "Size: -5"), filetransfer.ErrCorrupt},
		"size that is too large":            {"stat", message("ok", "Size: 9223372036854775808"), filetransfer.ErrCorrupt},
		"no size":                           {"stat", message("ok"), filetransfer.ErrCorrupt},
		"mode with other bits":              {"stat", message("ok", "Size: 5", "Mode: 4755"), filetransfer.ErrCorrupt},
		"time that is none":                 {"stat", message("ok", "Size: 5", "Modified: now"), filetransfer.ErrCorrupt},
		"error with escapes":                {"stat", message("refused", "Message: "+escaped), filetransfer.ErrRefused},
		"unknown error with escapes":        {"stat", message("failed", "Message: "+escaped), nil},
		"error with more than a header has": {"stat", message("refused", "Message: \x1b[2J\r\x00"+escaped), filetransfer.ErrCorrupt},
		"unknown word with escapes":         {"stat", message(escaped[:100]), filetransfer.ErrCorrupt},
		"error without message":             {"stat", message("too-large"), filetransfer.ErrTooLarge},
		"content longer than stated":        {"get", message("ok", "Size: 4") + chunk("hello") + "0\r\n" + end, filetransfer.ErrCorrupt},
		"content shorter than stated":       {"get", message("ok", "Size: 6") + chunk("hello") + "0\r\n" + end, filetransfer.ErrCorrupt},
		"content with a wrong checksum":     {"get", message("ok", "Size: 5") + chunk("hellO") + "0\r\n" + end, filetransfer.ErrCorrupt},
		"content without checksum":          {"get", message("ok", "Size: 5") + chunk("hello") + "0\r\n" + message("end"), filetransfer.ErrCorrupt},
		"content with half a checksum":      {"get", message("ok", "Size: 5") + chunk("hello") + "0\r\n" + message("end", "SHA-256: "+sumOfHello[:32]), filetransfer.ErrCorrupt},
		"content without end":               {"get", message("ok", "Size: 5") + chunk("hello"), io.ErrUnexpectedEOF},
		"content without its end block":     {"get", message("ok", "Size: 5") + chunk("hello") + "0\r\n", io.ErrUnexpectedEOF},
		"content with a huge chunk":         {"get", message("ok", "Size: 5") + "ffffffff\r\n", filetransfer.ErrCorrupt},
		"content with a negative chunk":     {"get", message("ok", "Size: 5") + "-5\r\n", filetransfer.ErrCorrupt},
		"content that ends with a word":     {"get", message("ok", "Size: 5") + chunk("hello") + "0\r\n" + message("done"), filetransfer.ErrCorrupt},
		"offer to go on beyond the end":     {"upload", message("ready", "Offset: 99", "SHA-256: "+sumOfHello), nil},
		"offer to go on from another file":  {"upload", message("ready", "Offset: 3", "SHA-256: "+sumOfHello), nil},
		"offer to go on without checksum":   {"upload", message("ready", "Offset: 3"), filetransfer.ErrCorrupt},
		"offer to go on from -1":            {"upload", message("ready", "Offset: -1", "SHA-256: "+sumOfHello), filetransfer.ErrCorrupt},
		"receipt before the offer":          {"put", message("ok", "SHA-256: "+sumOfHello), filetransfer.ErrCorrupt},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				errs := errorsOfCalls(t, withPrompt(func(p *rawPeer) {
					p.awaitData()
					p.Go(func() { p.readRest() })
					p.send(server.answer)
					time.Sleep(time.Second)
				}))
				if err := errs[server.method]; err == nil || server.want != nil && !errors.Is(err, server.want) {
					t.Errorf("%v, want %v", err, server.want)
				}
			})
		})
	}
}

func TestDownloadDiscardsCorruptContent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		local := filepath.Join(t.TempDir(), "local")
		c := filetransfer.NewClient(rawServer(t, withPrompt(func(p *rawPeer) {
			p.readWord("get")
			p.send(message("ok", "Size: 5"), chunk("hellO"), "0\r\n", message("end", "SHA-256: "+sumOfHello))
			p.readWord("corrupt") // the receipt
			p.readWord("stat")
			p.send(message("ok", "Size: 5"))
		})))
		defer c.Close()
		_, err := c.Download(t.Context(), "a.txt", local)
		wantError(t, err, filetransfer.ErrCorrupt)
		wantFiles(t, filepath.Dir(local))
		if _, err := c.Stat(t.Context(), "a.txt"); err != nil {
			t.Errorf("the connection is unusable: %v", err)
		}
	})
}

func TestDownloadRefusesFileSmallerThanPart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		local := filepath.Join(t.TempDir(), "local")
		writeFile(t, local+".part", "hello")
		c := filetransfer.NewClient(rawServer(t, withPrompt(func(p *rawPeer) {
			if fields := p.readWord("get"); fields.Get("Offset") != "5" {
				p.Errorf("the request has %v", fields)
			}
			p.Go(func() { p.readRest() })
			p.send(message("ok", "Size: 3"), "0\r\n", message("end", "SHA-256: "+sumOfHello))
		})))
		defer c.Close()
		_, err := c.Download(t.Context(), "a.txt", local)
		wantError(t, err, filetransfer.ErrCorrupt)
		wantFiles(t, filepath.Dir(local), "local.part")
	})
}

func TestPutRefusesReceiptOfAnotherFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for receipt, want := range map[string]error{
			message("ok", "SHA-256: "+sumOfNothing): filetransfer.ErrCorrupt,
			message("ok"):                           filetransfer.ErrCorrupt,
			message("ready"):                        filetransfer.ErrCorrupt,
			message("exist"):                        fs.ErrExist,
			"":                                      io.ErrUnexpectedEOF,
		} {
			c := filetransfer.NewClient(rawServer(t, withPrompt(func(p *rawPeer) {
				p.readWord("put")
				p.send(message("ready"))
				p.readWord("from")
				p.readContent()
				p.readWord("end")
				p.send(receipt)
			})))
			wantError(t, doPut(t.Context(), c, "new", strings.NewReader("hello"), filetransfer.Info{Size: 5}), want)
			c.Close()
		}
	})
}

func TestUploadReturnsErrorWhenServerHangsUp(t *testing.T) {
	for network := range networks {
		t.Run(network, func(t *testing.T) {
			client, server := networks[network](t)
			p := newRawPeer(t, server)
			p.Go(func() {
				p.send(filetransfer.Prompt)
				p.readWord("put")
				p.send(message("ready"))
				p.readWord("from")
				p.awaitData()
				p.Close()
			})
			c := filetransfer.NewClient(client)
			defer c.Close()
			// Sometimes the client detects the end before it sends more.
			more := readerFunc(func(b []byte) (int, error) {
				p.Wait()
				time.Sleep(10 * time.Millisecond)
				return len(b), nil
			})
			r := io.MultiReader(strings.NewReader("hello"), io.LimitReader(more, 1), endless{})
			err := doPut(t.Context(), c, "new", r, filetransfer.Info{Size: -1})
			if !isHangUp(err) {
				t.Errorf("the error is %v", err)
			}
			wantHarmless(t, err)
		})
	}
}

type readerFunc func(b []byte) (int, error)

func (f readerFunc) Read(b []byte) (int, error) { return f(b) }

// isHangUp reports whether an error means that the peer has closed the
// connection.
func isHangUp(err error) bool {
	return slices.ContainsFunc([]error{io.ErrUnexpectedEOF, io.ErrClosedPipe, syscall.EPIPE, syscall.ECONNRESET}, func(want error) bool {
		return errors.Is(err, want)
	})
}

func TestUploadReturnsServersEarlyError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, receipt := range map[string]struct {
			text string
			want error
		}{
			"an error":                     {message("no-space", "Message: disk is full"), nil},
			"a receipt of what came":       {message("ok", "SHA-256: "+sumOfHello), filetransfer.ErrCorrupt},
			"a receipt of something else":  {message("ok", "SHA-256: "+sumOfNothing), filetransfer.ErrCorrupt},
			"a receipt without a checksum": {message("ok"), filetransfer.ErrCorrupt},
		} {
			r, w := io.Pipe()
			heard := make(chan struct{})
			c := filetransfer.NewClient(rawServer(t, withPrompt(func(p *rawPeer) {
				p.readWord("put")
				p.send(message("ready"))
				p.readWord("from")
				p.expect(chunk("hello"))
				p.send(receipt.text)
				close(heard)
				p.readRest()
			})))
			go func() {
				io.WriteString(w, "hello")
				<-heard
				synctest.Wait()
				io.WriteString(w, ", world")
				w.Close()
			}()
			err := doPut(t.Context(), c, "new", r, filetransfer.Info{Size: -1})
			if err == nil || receipt.want != nil && !errors.Is(err, receipt.want) {
				t.Errorf("%s: %v, want %v", name, err, receipt.want)
			}
			r.Close()
			c.Close()
		}
	})
}

func TestListRefusesWrongLists(t *testing.T) {
	entry := func(name string) string { return message("entry", "Name: "+name, "Size: 5") }
	for name, list := range map[string]struct {
		answer string
		want   error
	}{
		"a name that leads up":          {entry(".."), filetransfer.ErrCorrupt},
		"a name that leads nowhere":     {entry("."), filetransfer.ErrCorrupt},
		"a name that leads out":         {entry("../x"), filetransfer.ErrCorrupt},
		"a name that leads out, coded":  {entry("..%2fx"), filetransfer.ErrCorrupt},
		"a name from the top":           {entry("/etc/passwd"), filetransfer.ErrCorrupt},
		"a name within a directory":     {entry("sub/x"), filetransfer.ErrCorrupt},
		"a directory name with a slash": {entry("sub/"), filetransfer.ErrCorrupt},
		"a name with NUL":               {entry("a%00b"), filetransfer.ErrCorrupt},
		"an empty name":                 {entry(""), filetransfer.ErrCorrupt},
		"no name":                       {message("entry", "Size: 5"), filetransfer.ErrCorrupt},
		"a name that is wrongly coded":  {entry("%zz"), filetransfer.ErrCorrupt},
		"an entry without size":         {message("entry", "Name: a"), filetransfer.ErrCorrupt},
		"another word":                  {message("file", "Name: a", "Size: 5"), filetransfer.ErrCorrupt},
		"a wrong count":                 {entry("a") + message("end", "Entries: 2"), filetransfer.ErrCorrupt},
		"no count":                      {entry("a") + message("end"), filetransfer.ErrCorrupt},
		"no end":                        {entry("a"), io.ErrUnexpectedEOF},
		"half an entry":                 {entry("a")[:20], io.ErrUnexpectedEOF},
		"an error":                      {entry("a") + message("permission"), fs.ErrPermission},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := filetransfer.NewClient(rawServer(t, answering("list", message("ok")+list.answer)))
				defer c.Close()
				infos, err := c.List(t.Context(), ".")
				wantError(t, err, list.want)
				wantHarmless(t, err)
				if infos != nil {
					t.Errorf("the list is %v", infos)
				}
			})
		})
	}
}

func TestListErrorEndsTheConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := filetransfer.NewClient(rawServer(t, withPrompt(func(p *rawPeer) {
			p.readWord("list")
			p.Go(func() { p.readRest() })
			p.send(message("ok"), message("entry", "Name: ../a", "Size: 5"), message("ok", "Size: 7"))
		})))
		defer c.Close()
		_, err := c.List(t.Context(), ".")
		wantError(t, err, filetransfer.ErrCorrupt)
		// The next bytes belong to the list.
		info, err := c.Stat(t.Context(), "a.txt")
		if err == nil || !strings.Contains(err.Error(), "the connection is unusable") {
			t.Errorf("the next stat: %+v, %v", info, err)
		}
	})
}

func TestListRefusesEndlessList(t *testing.T) {
	for what, name := range map[string]string{"entries": "a", "long names": strings.Repeat("a", 10_000)} {
		t.Run(what, func(t *testing.T) {
			entries := strings.Repeat(message("entry", "Name: "+name, "Size: 5"), 10)
			var sent atomic.Int64
			conn := rawServer(t, withPrompt(func(p *rawPeer) {
				p.readWord("list")
				p.send(message("ok"))
				for {
					n, err := io.WriteString(p.Conn, entries)
					if sent.Add(int64(n)); err != nil {
						return
					}
				}
			}))
			c := filetransfer.NewClient(conn)
			defer c.Close()
			infos, err := c.List(t.Context(), ".")
			wantError(t, err, filetransfer.ErrTooLarge)
			if infos != nil {
				t.Errorf("the list has %d entries", len(infos))
			}
			if n := sent.Load(); n > 64<<20 {
				t.Errorf("%d bytes were taken", n)
			}
			if _, err := c.Stat(t.Context(), "a.txt"); !errors.Is(err, filetransfer.ErrTooLarge) {
				t.Errorf("the next stat: %v", err)
			}
		})
	}
}

func TestListRefusesNamesThatAreNotFiles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var answer strings.Builder
		names := []string{"...", "..a", "a..", "C%3a", "%5c", "a%0ab", "a%1b[31m", "%ff", "-rf", "%2e%2e."}
		for _, name := range names {
			answer.WriteString(message("entry", "Name: "+name, "Size: 5"))
		}
		answer.WriteString(message("end", fmt.Sprint("Entries: ", len(names))))
		c := filetransfer.NewClient(rawServer(t, answering("list", message("ok"), answer.String())))
		defer c.Close()
		infos, err := c.List(t.Context(), ".")
		var got []string
		for _, info := range infos {
			got = append(got, info.Name)
		}
		want := []string{"-rf", "...", "...", "..a", "C:", "\\", "a\nb", "a\x1b[31m", "a..", "\xff"}
		slices.Sort(want)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("the list is %q, %v, want %q", got, err, want)
		}
	})
}

func TestClientContextEndsEndlessWaitBlocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := filetransfer.NewClient(rawServer(t, withPrompt(func(p *rawPeer) {
			p.readWord("stat")
			p.sendForever(time.Second, message("wait"))
		})))
		defer c.Close()
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		began := time.Now()
		_, err := c.Stat(ctx, "a.txt")
		wantError(t, err, context.DeadlineExceeded)
		if took := time.Since(began); took != time.Hour {
			t.Errorf("it took %v", took)
		}
	})
}

func TestClientTimesOutOnStalledServer(t *testing.T) {
	for name, server := range map[string]func(p *rawPeer){
		"drips the answer": withPrompt(func(p *rawPeer) { p.readWord("get"); p.sendSlowly(message("ok", "Size: 5"), time.Second) }),
		"drips the content": withPrompt(func(p *rawPeer) {
			p.readWord("get")
			p.send(message("ok", "Size: unknown"))
			p.sendForever(time.Second, chunk("x"))
		}),
		"says no more":     withPrompt(func(p *rawPeer) { p.readWord("get"); p.send(message("ok", "Size: 5")); p.readRest() }),
		"takes no request": withPrompt(func(p *rawPeer) { time.Sleep(time.Hour) }),
		"drips its reading": withPrompt(func(p *rawPeer) {
			for range 1000 {
				p.Read(make([]byte, 1))
				time.Sleep(time.Second)
			}
		}),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := filetransfer.NewClient(rawServer(t, server))
				defer c.Close()
				began := time.Now()
				_, err := c.Get(t.Context(), "a.txt", io.Discard)
				wantError(t, err, os.ErrDeadlineExceeded)
				if took := time.Since(began); took > time.Minute {
					t.Errorf("it took %v", took)
				}
			})
		})
	}
}

// A pieceConn is a connection whose first Reads return at most the given
// numbers of bytes.
type pieceConn struct {
	net.Conn
	sizes []int
}

func (c *pieceConn) Read(p []byte) (int, error) {
	if len(c.sizes) > 0 {
		p = p[:min(len(p), c.sizes[0])]
		c.sizes = c.sizes[1:]
	}
	return c.Conn.Read(p)
}

func TestClientReturnsErrorBeforeRequest(t *testing.T) {
	// The server times out before the first call.
	for _, network := range sockets {
		connection := func() net.Conn {
			client, server := networks[network](t)
			p := newRawPeer(t, &pieceConn{Conn: client, sizes: []int{len(filetransfer.Prompt)}})
			io.WriteString(server, filetransfer.Prompt+"Error: server is closing; try again later\n")
			server.Close()
			return p
		}
		c := filetransfer.NewClient(connection())
		_, err := c.Get(t.Context(), "a.txt", io.Discard)
		wantError(t, err, filetransfer.ErrServerClosed)
		c.Close()
		_, err = fetch(t.Context(), connection(), "a.txt", io.Discard)
		wantError(t, err, filetransfer.ErrServerClosed)
	}
}
