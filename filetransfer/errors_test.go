package filetransfer_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"unicode"

	"github.com/go-rfcomm/rfcomm/filetransfer"
)

// An ownError is an error type of a foreign FS.
type ownError struct{ error }

func (e ownError) Unwrap() error { return e.error }

// codedErrors are errors that have a code.
var codedErrors = map[error]error{
	fs.ErrNotExist:                              fs.ErrNotExist,
	syscall.ENOENT:                              fs.ErrNotExist,
	syscall.ENOTDIR:                             fs.ErrNotExist,
	fs.ErrPermission:                            fs.ErrPermission,
	syscall.EACCES:                              fs.ErrPermission,
	syscall.EPERM:                               fs.ErrPermission,
	fs.ErrExist:                                 fs.ErrExist,
	syscall.EEXIST:                              fs.ErrExist,
	fs.ErrInvalid:                               fs.ErrInvalid,
	syscall.EINVAL:                              nil, // can have any reason
	syscall.ENOSPC:                              syscall.ENOSPC,
	filetransfer.ErrTooLarge:                    filetransfer.ErrTooLarge,
	filetransfer.ErrChanged:                     filetransfer.ErrChanged,
	filetransfer.ErrRefused:                     filetransfer.ErrRefused,
	filetransfer.ErrCorrupt:                     filetransfer.ErrCorrupt,
	filetransfer.ErrServerClosed:                filetransfer.ErrServerClosed,
	io.ErrUnexpectedEOF:                         io.ErrUnexpectedEOF,
	errors.ErrUnsupported:                       errors.ErrUnsupported,
	os.ErrDeadlineExceeded:                      os.ErrDeadlineExceeded,
	errors.New("out of paper"):                  nil,
	syscall.EIO:                                 nil,
	errors.New("one\ntwo\x1b[2J\u202e"):         nil,
	errors.New(strings.Repeat("long ", 10_000)): nil,
}

const serversOwn = "/srv/secret"

// wrappings are the ways in which an error may be wrapped.
var wrappings = map[string]func(err error) error{
	"alone":       func(err error) error { return err },
	"with a path": func(err error) error { return &fs.PathError{Op: "open", Path: serversOwn + "/file", Err: err} },
	"with two paths": func(err error) error {
		return &os.LinkError{Op: "link", Old: serversOwn + "/old", New: serversOwn + "/new", Err: err}
	},
	"of a call": func(err error) error { return os.NewSyscallError("openat", err) },
	"in a path in words": func(err error) error {
		return fmt.Errorf("backend: %w", &fs.PathError{Op: "open", Path: serversOwn + "/file", Err: err})
	},
	"of one's own": func(err error) error {
		return ownError{&fs.PathError{Op: "open", Path: serversOwn + "/file", Err: err}}
	},
	"in a path in a path": func(err error) error {
		return &fs.PathError{Op: "read", Path: serversOwn, Err: &fs.PathError{Op: "open", Path: serversOwn + "/file", Err: err}}
	},
	"in a path in words in a path": func(err error) error {
		return &fs.PathError{Op: "read", Path: serversOwn, Err: fmt.Errorf("in place, but: %w", &fs.PathError{Op: "open", Path: serversOwn + "/file", Err: err})}
	},
	"of two": func(err error) error {
		return errors.Join(&fs.PathError{Op: "open", Path: serversOwn + "/a", Err: err}, &fs.PathError{Op: "close", Path: serversOwn + "/b", Err: err})
	},
	"of two in a path": func(err error) error {
		return &fs.PathError{Op: "read", Path: serversOwn, Err: errors.Join(err, &fs.PathError{Op: "close", Path: serversOwn + "/b", Err: err})}
	},
}

// wantReported checks an error that the server reported.
func wantReported(t *testing.T, err, want error, op string) {
	t.Helper()
	if err == nil || want != nil && !errors.Is(err, want) {
		t.Errorf("%s: the error is %v, want %v", op, err, want)
		return
	}
	for _, other := range codedErrors {
		if other != nil && other != want && errors.Is(err, other) {
			t.Errorf("%s: %v is %v, too", op, err, other)
		}
	}
	wantHarmless(t, err)
	var path *fs.PathError
	if !errors.As(err, &path) || path.Op != op || path.Path != "file" {
		t.Errorf("%s: the error is %#v", op, err)
		return
	}
	text := path.Err.Error()
	said, ok := strings.CutPrefix(text, "the server reports: ")
	if !ok || said == "" || unicode.IsUpper(rune(said[0])) || strings.HasSuffix(said, ".") {
		t.Errorf("%s: the error says %q", op, text)
	}
	if strings.Contains(text, serversOwn) {
		t.Errorf("%s: the server tells what is its own: %q", op, text)
	}
}

func TestClientErrorsMatchServerErrors(t *testing.T) {
	for err, want := range codedErrors {
		for form, wrap := range wrappings {
			t.Run(fmt.Sprintf("%.30q %s", err, form), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					for op, files := range map[string]*faulty{
						"stat": {stat: wrap(err)}, "get": {open: wrap(err)}, "list": {open: wrap(err)},
					} {
						files.MapFS = fstest.MapFS{"file": {Data: []byte("hello")}}
						if op == "list" {
							files.MapFS = fstest.MapFS{"file/a": {}}
						}
						server := &filetransfer.Server{FS: files}
						c := filetransfer.NewClient(serve(t, "pipe", server).conn)
						var got error
						switch op {
						case "stat":
							_, got = c.Stat(t.Context(), "file")
						case "list":
							_, got = c.List(t.Context(), "file")
						case "get":
							_, got = c.Get(t.Context(), "file", io.Discard)
							_, plain := fetch(t.Context(), serve(t, "pipe", server).conn, "file", io.Discard)
							wantReported(t, plain, want, "get")
						}
						wantReported(t, got, want, op)
						c.Close()
					}
				})
			})
		}
	}
}

func TestClientErrorsMatchErrorsInContent(t *testing.T) {
	for err, want := range codedErrors {
		for form, wrap := range wrappings {
			t.Run(fmt.Sprintf("%.30q %s", err, form), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					files := &faulty{MapFS: fstest.MapFS{"file": {Data: []byte("hello")}}}
					files.read = errorReader{wrap(err)}
					c := filetransfer.NewClient(serve(t, "pipe", &filetransfer.Server{FS: files}).conn)
					defer c.Close()
					_, got := c.Get(t.Context(), "file", io.Discard)
					wantReported(t, got, want, "get")
				})
			})
		}
	}
}

// An errorReader returns an error.
type errorReader struct{ err error }

func (r errorReader) Read([]byte) (int, error) { return 0, r.err }

func TestServerLogsErrorsOfClient(t *testing.T) {
	for err, want := range codedErrors {
		synctest.Test(t, func(t *testing.T) {
			s := startServer(t, "pipe", &filetransfer.Server{Uploads: filetransfer.NewDir(newDir(t, nil))})
			c := filetransfer.NewClient(s.dial())
			own := &fs.PathError{Op: "read", Path: "/home/me/secret", Err: err}
			got := doPut(t.Context(), c, "file", errorReader{own}, filetransfer.Info{Size: -1})
			wantError(t, got, err) // the caller gets the original error
			c.Close()
			synctest.Wait()
			logged := s.log.String()
			if !strings.Contains(logged, "the client reports: ") || strings.Contains(logged, "/home/me") || strings.Contains(logged, "\x1b") {
				t.Errorf("%v is logged as\n%s", err, logged)
			}
			if want != nil && !strings.Contains(logged, "request failed") {
				t.Errorf("%v is logged as\n%s", err, logged)
			}
			s.stop(t)
		})
	}
}

func TestUploadErrorsHideServerPaths(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		uploads := newDir(t, map[string]string{"taken": "", "busy.part": "", "directory/file": ""})
		if err := os.Mkdir(filepath.Join(uploads.Name(), "stuck.part"), 0o777); err != nil {
			t.Fatal(err)
		}
		s := serve(t, "pipe", &filetransfer.Server{Uploads: filetransfer.NewDir(uploads)})
		c := filetransfer.NewClient(s.conn)
		defer c.Close()
		for name, want := range map[string]error{
			"taken":                     fs.ErrExist,
			"taken/file":                fs.ErrNotExist,
			"missing/file":              fs.ErrNotExist,
			"directory":                 fs.ErrExist,
			"stuck":                     fs.ErrPermission,
			"a.part":                    fs.ErrInvalid,
			strings.Repeat("n", 300):    nil,
			strings.Repeat("n", 20_000): fs.ErrInvalid,
		} {
			err := doPut(t.Context(), c, name, strings.NewReader("hello"), filetransfer.Info{Size: 5})
			if err == nil || want != nil && !errors.Is(err, want) {
				t.Errorf("%.20s: the error is %v, want %v", name, err, want)
			}
			if strings.Contains(fmt.Sprint(err), uploads.Name()) {
				t.Errorf("the error is %v", err)
			}
		}
		// The connection is still usable.
		if err := doPut(t.Context(), c, "new", strings.NewReader("hello"), filetransfer.Info{Size: 5}); err != nil {
			t.Error(err)
		}
	})
}

func TestClientErrorsNameOperationAndFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		local := filepath.Join(t.TempDir(), "local")
		c := filetransfer.NewClient(serve(t, "pipe", &filetransfer.Server{FS: offered()}).conn)
		defer c.Close()
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		_, stat := c.Stat(t.Context(), "missing")
		_, list := c.List(t.Context(), "missing")
		_, got := c.Get(t.Context(), "missing", io.Discard)
		_, download := c.Download(t.Context(), "missing", local)
		_, cancelled := c.Get(ended, "missing", io.Discard)
		_, fetch := fetch(t.Context(), serve(t, "pipe", &filetransfer.Server{FS: offered()}).conn, "missing", io.Discard)
		_, dir := c.Download(t.Context(), "a.txt", filepath.Join(local, "missing"))
		for _, test := range []struct {
			err      error
			op, path string
		}{
			{stat, "stat", "missing"},
			{list, "list", "missing"},
			{got, "get", "missing"},
			{download, "get", "missing"},
			{cancelled, "get", "missing"},
			{fetch, "get", "missing"},
			{doPut(t.Context(), c, "missing", strings.NewReader(""), filetransfer.Info{}), "put", "missing"},
			{dir, "open", local + "/."},
			{doUpload(t.Context(), c, local, "new"), "stat", local},
		} {
			var path *fs.PathError
			if !errors.As(test.err, &path) || path.Op != test.op || path.Path != test.path {
				t.Errorf("the error is %v, want one of %s %s", test.err, test.op, test.path)
			}
		}
	})
}

func TestClientAcceptsErrorsOfLaterVersions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := filetransfer.NewClient(rawServer(t, withPrompt(func(p *rawPeer) {
			p.readWord("get")
			p.send(message("asleep", "Message: come back in the morning"))
			p.readWord("stat")
			p.send(message("ok", "Size: 5"))
		})))
		defer c.Close()
		_, err := c.Get(t.Context(), "a.txt", io.Discard)
		if err == nil || err.Error() != "get a.txt: the server reports: come back in the morning" {
			t.Errorf("the error is %v", err)
		}
		if _, err := c.Stat(t.Context(), "a.txt"); err != nil {
			t.Error(err)
		}
	})
}
