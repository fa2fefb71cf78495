package filetransfer_test

import (
	"archive/zip"
	"bytes"
	"embed"
	"errors"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/go-rfcomm/rfcomm/filetransfer"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

const secret = "nobody may see this"

// A sandbox has a directory that is served and one outside of it.
type sandbox struct {
	testing.TB
	path   string // parent of both directories
	inside *os.Root
	before string // snapshot of path
}

// newSandbox returns a directory "inside" with a file "a.txt" and a directory
// "sub", next to a directory "outside" with a file "secret.txt".
func newSandbox(t testing.TB) *sandbox {
	t.Helper()
	path := t.TempDir()
	writeFile(t, filepath.Join(path, "inside", "a.txt"), "hello")
	writeFile(t, filepath.Join(path, "inside", "sub", "b.txt"), "hello")
	writeFile(t, filepath.Join(path, "outside", "secret.txt"), secret)
	return &sandbox{TB: t, path: path, inside: openDir(t, filepath.Join(path, "inside"))}
}

// link creates a symbolic link inside.
func (e *sandbox) link(to, name string) {
	e.Helper()
	if err := os.Symlink(to, filepath.Join(e.path, "inside", name)); err != nil {
		e.Fatal(err)
	}
}

// snapshot returns all names, types and contents.
func (e *sandbox) snapshot() string {
	e.Helper()
	var snapshot strings.Builder
	err := filepath.WalkDir(e.path, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		snapshot.WriteString(path + " " + entry.Type().String())
		if entry.Type().IsRegular() {
			snapshot.WriteString(" " + readFile(e, path))
		}
		snapshot.WriteString("\n")
		return nil
	})
	if err != nil {
		e.Fatal(err)
	}
	return snapshot.String()
}

// serve serves the directory "inside".
func (e *sandbox) serve() service {
	e.Helper()
	e.before = e.snapshot()
	return serve(e, "pipe", &filetransfer.Server{FS: filetransfer.NewDir(e.inside), Uploads: filetransfer.NewDir(e.inside), Replace: true, Hidden: true})
}

// wantUntouched checks that nothing has changed.
func (e *sandbox) wantUntouched() {
	e.Helper()
	if now := e.snapshot(); now != e.before {
		e.Errorf("was\n%sis\n%s", e.before, now)
	}
}

// wantRefused checks that a name can neither be read nor written.
func (e *sandbox) wantRefused(name string, want ...error) {
	e.Helper()
	e.wantRefusedGet(name, want...)
	e.wantRefusedPut(name, want...)
}

// wantRefusedGet checks that a name cannot be read in either dialect. The error
// must match one of want.
func (e *sandbox) wantRefusedGet(name string, want ...error) {
	e.Helper()
	var got bytes.Buffer
	c := filetransfer.NewClient(e.serve().conn)
	defer c.Close()
	_, err := c.Get(e.Context(), name, &got)
	e.wantOneOf("get", name, err, want)
	local := filepath.Join(e.TempDir(), "got")
	_, err = c.Download(e.Context(), name, local)
	e.wantOneOf("Download", name, err, want)
	wantFiles(e, filepath.Dir(local))
	_, err = fetch(e.Context(), lineEnd{e.serve().conn}, name, &got)
	e.wantOneOf("plain get", name, err, want)
	if got.Len() > 0 {
		e.Errorf("%q gives %q", name, &got)
	}
	e.wantUntouched()
}

// wantRefusedPut checks that a name cannot be written, with and without
// permission to replace it.
func (e *sandbox) wantRefusedPut(name string, want ...error) {
	e.Helper()
	c := filetransfer.NewClient(e.serve().conn)
	defer c.Close()
	for _, overwrite := range []bool{false, true} {
		c.Overwrite = overwrite
		e.wantOneOf("put", name, doPut(e.Context(), c, name, strings.NewReader("new"), filetransfer.Info{Size: 3}), want)
	}
	e.wantUntouched()
}

// wantOneOf checks that an error matches one of want.
func (e *sandbox) wantOneOf(what, name string, err error, want []error) {
	e.Helper()
	if !slices.ContainsFunc(want, func(want error) bool { return errors.Is(err, want) }) {
		e.Errorf("%s %q: %v, want %v", what, name, err, want)
	}
}

// statAndList returns the errors of stat and list for a name.
func (e *sandbox) statAndList(name string) (stat, list error) {
	e.Helper()
	c := filetransfer.NewClient(e.serve().conn)
	defer c.Close()
	_, stat = c.Stat(e.Context(), name)
	_, list = c.List(e.Context(), name)
	return stat, list
}

// getPlain requests a name in the plain dialect, without the checks of a Client,
// and returns the answer.
func (e *sandbox) getPlain(name string) string {
	e.Helper()
	p := newRawPeer(e, e.serve().conn)
	p.expect(filetransfer.Prompt)
	p.send(name)
	return p.readRest()
}

// wantRefusedRaw checks that the server refuses a name which a Client would
// clean before it sends it.
func (e *sandbox) wantRefusedRaw(name string) {
	e.Helper()
	p := newRawPeer(e, e.serve().conn)
	p.expect(filetransfer.Prompt)
	for _, method := range []string{"stat", "list", "get", "put"} {
		p.send(request(method, "Name: "+(&url.URL{Path: name}).EscapedPath(), "Size: 3"))
		p.readWord("invalid")
	}
	if got := e.getPlain(name); !strings.HasPrefix(got, "Error: invalid name") {
		e.Errorf("plain get %q: %q", name, got)
	}
	e.wantUntouched()
}

func TestServerRefusesUncleanNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newSandbox(t)
		for _, name := range []string{
			"/",
			"//",
			"./a.txt",
			"./",
			"a.txt/",
			"a.txt/.",
			"sub//b.txt",
			"sub/./b.txt",
			"/etc/passwd",
			"//etc/passwd",
			filepath.Join(e.path, "outside", "secret.txt"),
			filepath.Join(e.path, "inside", "a.txt"),
		} {
			e.wantRefusedRaw(name)
		}
	})
}

func TestServerRefusesEscapingNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newSandbox(t)
		for _, name := range []string{
			"",
			"..",
			"a.txt/..",
			"sub/..",
			"sub/../a.txt",
			"sub/../../outside/secret.txt",
			"../",
			"../.",
			"../outside/secret.txt",
			"../inside/a.txt",
			"../../../../../../../../etc/passwd",
			"a.txt\x00",
			"a.txt\x00.png",
			"a.txt\x00/../../outside/secret.txt",
			"sub\x00/b.txt",
		} {
			e.wantRefused(name, fs.ErrInvalid)
			if stat, list := e.statAndList(name); !errors.Is(stat, fs.ErrInvalid) || !errors.Is(list, fs.ErrInvalid) {
				t.Errorf("%q: stat gives %v, and list %v", name, stat, list)
			}
		}
		for _, name := range []string{
			"\n",
			"\r\n",
			"../outside/secret.txt\n",
			"../outside/secret.txt\r\n",
			"a.txt\x00\n",
			"a.txt\x00.png\n",
			"/etc/passwd\n",
			"a.txt/\n",
			".\n",
			"sub\n",
		} {
			if got := e.getPlain(name); !strings.HasPrefix(got, "Error: ") || strings.Count(got, "\n") != 1 {
				t.Errorf("%q is answered with %q", name, got)
			}
		}
	})
}

func TestServerRefusesNamesOfDirectoryItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newSandbox(t)
		e.wantRefused(".", fs.ErrInvalid)
		if stat, list := e.statAndList("."); stat != nil || list != nil {
			t.Errorf("stat gives %v, and list %v", stat, list)
		}
	})
}

func TestServerAcceptsNamesThatLookEscaping(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		names := []string{
			"...",
			"..a",
			"~",
			"~root",
			"$HOME",
			"%2e%2e",
			"%2fetc%2fpasswd",
			"%00",
			"a*",
			"-rf",
			"a\nb",
			"a\x1b[31mb",
		}
		if filepath.Separator != '\\' {
			names = append(names, "a.txt\xff", "\xc0\xae\xc0\xae", `..\outside\secret.txt`, `\etc\passwd`, `C:\secret.txt`, `sub\..\..\outside\secret.txt`)
		}
		for _, name := range names {
			e := newSandbox(t)
			if !strings.Contains(name, "\n") {
				e.wantRefusedGet(name, fs.ErrNotExist)
			}
			before := e.snapshot()
			c := filetransfer.NewClient(e.serve().conn)
			if err := doPut(t.Context(), c, name, strings.NewReader("new"), filetransfer.Info{Size: 3}); err != nil {
				t.Fatal(err)
			}
			c.Close()
			path := filepath.Join(e.path, "inside", name)
			if got := readFile(t, path); got != "new" {
				t.Errorf("%q has %q", name, got)
			}
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			if now := e.snapshot(); now != before {
				t.Errorf("%q has left more than itself:\n%s", name, now)
			}
		}
	})
}

func TestServerRefusesEscapingLinks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newSandbox(t)
		outside := filepath.Join(e.path, "outside")
		e.link("../outside/secret.txt", "relative")
		e.link(filepath.Join(outside, "secret.txt"), "absolute")
		e.link("../../outside/secret.txt", "sub/deep")
		e.link("relative", "chain")
		e.link("sub/../chain", "chained")
		e.link("../outside/new.txt", "new")
		e.link(filepath.Join(outside, "new.txt"), "absolutely-new")
		e.link("../inside/a.txt", "round")
		e.link(filepath.Join(e.path, "inside", "a.txt"), "absolutely-round")
		e.link("/dev/null", "device")
		e.link("/proc/self/environ", "process")
		for _, name := range []string{
			"relative", "absolute", "sub/deep", "chain", "chained", "new", "absolutely-new", "round", "absolutely-round", "device", "process",
		} {
			e.wantRefusedGet(name, fs.ErrPermission)
			e.wantRefusedPut(name, fs.ErrExist, fs.ErrPermission)
			if stat, list := e.statAndList(name); !errors.Is(stat, fs.ErrPermission) || !errors.Is(list, fs.ErrPermission) {
				t.Errorf("%q: stat gives %v, and list %v", name, stat, list)
			}
		}

		e = newSandbox(t)
		e.link("../outside", "relative")
		e.link(outside, "absolute")
		e.link("..", "up")
		e.link("../..", "sub/upper")
		e.link("relative", "chain")
		e.link("/", "root")
		for _, name := range []string{
			"relative/secret.txt",
			"absolute/secret.txt",
			"up/outside/secret.txt",
			"up/inside/a.txt",
			"sub/upper/outside/secret.txt",
			"chain/secret.txt",
			"root/etc/passwd",
			"relative/new.txt",
			"root/new.txt",
		} {
			e.wantRefused(name, fs.ErrPermission)
			dir, _, _ := strings.Cut(name, "/")
			for _, name := range []string{name, strings.Replace(dir, "sub", "sub/upper", 1)} {
				if stat, list := e.statAndList(name); !errors.Is(stat, fs.ErrPermission) || !errors.Is(list, fs.ErrPermission) {
					t.Errorf("%q: stat gives %v, and list %v", name, stat, list)
				}
			}
		}
	})
}

func TestServerRefusesLinksOutOfRootFS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newSandbox(t)
		e.link("../outside/secret.txt", "file")
		e.link("../outside", "directory")
		c := filetransfer.NewClient(serve(t, "pipe", &filetransfer.Server{FS: e.inside.FS()}).conn)
		defer c.Close()
		for _, name := range []string{"file", "directory", "directory/secret.txt"} {
			var got bytes.Buffer
			_, err := c.Get(t.Context(), name, &got)
			wantError(t, err, fs.ErrPermission)
			if got.Len() > 0 || !strings.Contains(err.Error(), "leads out of the directory") {
				t.Errorf("%s: %q, %v", name, &got, err)
			}
			_, err = c.Stat(t.Context(), name)
			wantError(t, err, fs.ErrPermission)
		}
	})
}

func TestServerRefusesDanglingLinks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newSandbox(t)
		e.link("loop", "loop")
		e.link("pong", "ping")
		e.link("ping", "pong")
		e.link("missing", "dangling")
		for _, name := range []string{"loop", "ping", "dangling"} {
			var got bytes.Buffer
			c := filetransfer.NewClient(e.serve().conn)
			if _, err := c.Get(t.Context(), name, &got); err == nil || got.Len() > 0 {
				t.Errorf("get %q: %v, %q", name, err, &got)
			}
			c.Close()
			if _, err := fetch(t.Context(), e.serve().conn, name, &got); err == nil || got.Len() > 0 {
				t.Errorf("plain Get %q: %v, %q", name, err, &got)
			}
			e.wantRefusedPut(name, fs.ErrExist, fs.ErrPermission)
		}
	})
}

func TestServerFollowsLinksInsideRoot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newSandbox(t)
		e.link("a.txt", "file")
		e.link("file", "chain")
		e.link("sub", "directory")
		e.link("../a.txt", "sub/up")
		for _, name := range []string{"file", "chain", "directory/b.txt", "sub/up", "directory/up"} {
			var got bytes.Buffer
			c := filetransfer.NewClient(e.serve().conn)
			info, err := c.Get(t.Context(), name, &got)
			if err != nil || got.String() != "hello" || !info.Mode.IsRegular() {
				t.Errorf("get %q: %+v, %v, %q", name, info, err, &got)
			}
			got.Reset()
			if _, err := fetch(t.Context(), e.serve().conn, name, &got); err != nil || got.String() != "hello" {
				t.Errorf("plain Get %q: %v, %q", name, err, &got)
			}
			c.Close()
		}
		c := filetransfer.NewClient(e.serve().conn)
		defer c.Close()
		if err := doPut(t.Context(), c, "directory/new.txt", strings.NewReader("new"), filetransfer.Info{Size: 3}); err != nil {
			t.Fatal(err)
		}
		if got := readFile(t, filepath.Join(e.path, "inside", "sub", "new.txt")); got != "new" {
			t.Errorf("stored is %q", got)
		}
	})
}

func TestServerRefusesGetAndPutOfDirectory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newSandbox(t)
		e.link("sub", "directory")
		e.wantRefusedGet("sub", fs.ErrInvalid)
		e.wantRefusedGet("directory", fs.ErrInvalid)
		for _, name := range []string{"sub", "directory"} {
			e.wantRefusedPut(name, fs.ErrExist, fs.ErrPermission)
		}
		e.wantRefused("a.txt/b.txt", fs.ErrNotExist)
		e.wantRefused("missing/b.txt", fs.ErrNotExist)
	})
}

// A strangeFile is an entry of an FS that is neither a file nor a directory.
type strangeFile struct {
	testing.TB
	mode fs.FileMode
}

func (s strangeFile) Stat(name string) (fs.FileInfo, error) {
	return fs.Stat(fstest.MapFS{"strange": {Mode: s.mode}}, name)
}

func (s strangeFile) Open(name string) (fs.File, error) {
	s.Errorf("%v was opened", s.mode)
	return nil, fs.ErrPermission
}

func TestServerDoesNotOpenSpecialFiles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, mode := range []fs.FileMode{
			fs.ModeDevice, fs.ModeDevice | fs.ModeCharDevice, fs.ModeNamedPipe, fs.ModeSocket, fs.ModeIrregular,
		} {
			server := &filetransfer.Server{FS: strangeFile{t, mode | 0o666}}
			c := filetransfer.NewClient(serve(t, "pipe", server).conn)
			_, err := c.Get(t.Context(), "strange", io.Discard)
			wantError(t, err, fs.ErrPermission)
			_, err = c.Download(t.Context(), "strange", filepath.Join(t.TempDir(), "got"))
			wantError(t, err, fs.ErrPermission)
			_, err = c.List(t.Context(), "strange")
			wantError(t, err, fs.ErrInvalid)
			info, err := c.Stat(t.Context(), "strange")
			if err != nil || info.Mode != fs.ModeIrregular|0o666 || info.Size != 0 {
				t.Errorf("%v is %+v, %v", mode, info, err)
			}
			c.Close()
			_, err = fetch(t.Context(), serve(t, "pipe", server).conn, "strange", io.Discard)
			wantError(t, err, fs.ErrPermission)
		}
	})
}

func TestDownloadRefusesSpecialTargets(t *testing.T) {
	e := newSandbox(t)
	c := filetransfer.NewClient(e.serve().conn)
	defer c.Close()
	t.Chdir(filepath.Join(e.path, "inside"))
	e.link("a.txt", "link")
	e.link("missing", "dangling")
	e.link("../outside/new.txt", "out")
	before := e.snapshot()
	for _, overwrite := range []bool{false, true} {
		taken := fs.ErrExist
		if overwrite {
			taken = fs.ErrPermission
		}
		c.Overwrite = overwrite
		for path, want := range map[string]error{
			"":              fs.ErrInvalid,
			".":             fs.ErrInvalid,
			"..":            fs.ErrInvalid,
			"/":             fs.ErrInvalid,
			"sub/":          fs.ErrInvalid,
			"sub/..":        fs.ErrInvalid,
			"new\x00":       nil,
			"sub":           taken,
			"link":          taken,
			"dangling":      taken,
			"out":           taken,
			"missing/a.txt": fs.ErrNotExist,
			"a.txt/a.txt":   nil,
			"new.part":      fs.ErrInvalid,
		} {
			_, err := c.Download(t.Context(), "sub/b.txt", path)
			if err == nil || want != nil && !errors.Is(err, want) {
				t.Errorf("Download to %q: %v, want %v", path, err, want)
			}
		}
	}
	if now := e.snapshot(); now != before {
		t.Errorf("was\n%sis\n%s", before, now)
	}
	// The connection is still usable.
	if _, err := c.Download(t.Context(), "sub/b.txt", "sub/new.txt"); err != nil {
		t.Fatal(err)
	}
	if got := readFile(t, "sub/new.txt"); got != "hello" {
		t.Errorf("got %q", got)
	}
}

func TestUploadRefusesSpecialFiles(t *testing.T) {
	e := newSandbox(t)
	c := filetransfer.NewClient(e.serve().conn)
	defer c.Close()
	for path, want := range map[string]error{
		"":                                  fs.ErrNotExist,
		e.path:                              fs.ErrInvalid,
		os.DevNull:                          fs.ErrPermission,
		filepath.Join(e.path, "none"):       fs.ErrNotExist,
		filepath.Join(e.path, "none\x00"):   nil,
		filepath.Join(e.path, "inside", ""): fs.ErrInvalid,
	} {
		err := doUpload(t.Context(), c, path, "new")
		if err == nil || want != nil && !errors.Is(err, want) {
			t.Errorf("Upload from %q: %v, want %v", path, err, want)
		}
	}
	e.wantUntouched()
	if err := doUpload(t.Context(), c, filepath.Join(e.path, "outside", "secret.txt"), "new"); err != nil {
		t.Fatal(err)
	}
}

func TestServerRefusesAllWithoutFSAndUploads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := filetransfer.NewClient(serve(t, "pipe", &filetransfer.Server{}).conn)
		defer c.Close()
		_, err := c.Get(t.Context(), "a.txt", io.Discard)
		wantError(t, err, filetransfer.ErrRefused)
		_, err = c.Stat(t.Context(), ".")
		wantError(t, err, filetransfer.ErrRefused)
		_, err = c.List(t.Context(), ".")
		wantError(t, err, filetransfer.ErrRefused)
		wantError(t, doPut(t.Context(), c, "a.txt", strings.NewReader(""), filetransfer.Info{}), filetransfer.ErrRefused)
		_, err = fetch(t.Context(), serve(t, "pipe", &filetransfer.Server{}).conn, "a.txt", io.Discard)
		wantError(t, err, filetransfer.ErrRefused)
	})
}

//go:embed doc.go server_list.go
var embedded embed.FS

// archive returns a zip archive with one file, compressed or not.
func archive(t testing.TB, method uint16, name, content string) fs.FS {
	t.Helper()
	var data bytes.Buffer
	w := zip.NewWriter(&data)
	f, err := w.CreateHeader(&zip.FileHeader{Name: name, Method: method, Modified: time.Unix(1_700_000_000, 0)})
	if err == nil {
		_, err = io.WriteString(f, content)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	r, err := zip.NewReader(bytes.NewReader(data.Bytes()), int64(data.Len()))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestServerServesAnyFS(t *testing.T) {
	content := random(100_000)
	own := readFile(t, "doc.go")
	for kind, offered := range map[string]struct {
		fs.FS
		name, content string
	}{
		"embedded":   {embedded, "doc.go", own},
		"compressed": {archive(t, zip.Deflate, "sub/file", content), "sub/file", content},
		"archived":   {archive(t, zip.Store, "sub/file", content), "sub/file", content},
		"map":        {fstest.MapFS{"sub/directory/file": {Data: []byte(content)}}, "sub/directory/file", content},
		"directory":  {os.DirFS("."), "doc.go", own},
	} {
		t.Run(kind, func(t *testing.T) {
			server := &filetransfer.Server{FS: offered.FS}
			c := filetransfer.NewClient(serve(t, "pipe", server).conn)
			defer c.Close()
			var got bytes.Buffer
			info, err := c.Get(t.Context(), offered.name, &got)
			if err != nil || got.String() != offered.content {
				t.Fatalf("get: %v, %d bytes", err, got.Len())
			}
			wantSum(t, info, offered.content)
			stat, err := c.Stat(t.Context(), offered.name)
			if err != nil || stat.Size != int64(len(offered.content)) || stat.Name != offered.name {
				t.Errorf("stat: %+v, %v", stat, err)
			}
			dir, base := filepath.Split(offered.name)
			list, err := c.List(t.Context(), filepath.ToSlash(filepath.Clean(dir)))
			if err != nil || !slices.ContainsFunc(list, func(info filetransfer.Info) bool {
				return info.Name == base && info.Size == stat.Size && info.ModTime.Equal(stat.ModTime)
			}) {
				t.Errorf("list: %+v, %v", list, err)
			}
			_, err = c.Get(t.Context(), "missing", io.Discard)
			wantError(t, err, fs.ErrNotExist)
			_, err = c.Get(t.Context(), "../"+offered.name, io.Discard)
			wantError(t, err, fs.ErrInvalid)
			// The file of an archive has no Seek method.
			local := filepath.Join(t.TempDir(), "got")
			writeFile(t, local+".part", offered.content[:1000])
			info, err = c.Download(t.Context(), offered.name, local)
			if err != nil || readFile(t, local) != offered.content {
				t.Errorf("Download: %v", err)
			}
			wantSum(t, info, offered.content)
			got.Reset()
			_, err = fetch(t.Context(), serve(t, "pipe", server).conn, offered.name, &got)
			if err != nil || got.String() != offered.content {
				t.Errorf("plain Get: %v, %d bytes", err, got.Len())
			}
		})
	}
}

func TestServerReportsClosedRoot(t *testing.T) {
	hosttest.LeavesNothingBehind(t, func() {
		root := newDir(t, map[string]string{"a.txt": "hello"})
		root.Close()
		s := serve(t, "pipe", &filetransfer.Server{FS: root.FS(), Uploads: filetransfer.NewDir(root), Replace: true})
		c := filetransfer.NewClient(s.conn)
		if _, err := c.Get(t.Context(), "a.txt", io.Discard); err == nil {
			t.Error("get works")
		}
		if err := doPut(t.Context(), c, "b.txt", strings.NewReader(""), filetransfer.Info{}); err == nil {
			t.Error("put works")
		}
		c.Close()
		if err := hosttest.Receive(t, s.err); err != nil {
			t.Errorf("ServeConn: %v", err)
		}
	})
}
