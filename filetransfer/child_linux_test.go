package filetransfer_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm/filetransfer"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

// Child processes run this test program again. Their arguments are in an
// environment variable, one per line.
const childEnv = "FILETRANSFER_TEST_CHILD"

func TestMain(m *testing.M) {
	if args := os.Getenv(childEnv); args != "" {
		if err := child(strings.Split(args, "\n")); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// child runs a client or a server. The first argument is an umask. The others
// are "serve" and a directory, or "download" or "upload" with an address and a
// directory, whose files are replaced.
func child(args []string) error {
	mask, err := strconv.ParseUint(args[0], 8, 16)
	if err != nil {
		return err
	}
	unix.Umask(int(mask))
	if args[1] == "serve" {
		return childServer(args[2])
	}
	return childClient(args[1], args[2], args[3])
}

// childServer serves a directory and prints its address.
func childServer(dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(l.Addr())
	return (&filetransfer.Server{FS: root.FS(), Uploads: filetransfer.NewDir(root), Replace: true, Logger: quiet}).Serve(l)
}

// childClient transfers all files between a server and a directory.
func childClient(method, address, dir string) error {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return err
	}
	c := filetransfer.NewClient(conn)
	defer c.Close()
	c.Overwrite = true
	ctx := context.Background()
	if method == "upload" {
		files, err := os.ReadDir(dir)
		for _, file := range files {
			err = errors.Join(err, doUpload(ctx, c, filepath.Join(dir, file.Name()), file.Name()))
		}
		return err
	}
	infos, err := c.List(ctx, ".")
	for _, info := range infos {
		_, getErr := c.Download(ctx, info.Name, filepath.Join(dir, info.Name))
		err = errors.Join(err, getErr)
	}
	return err
}

// startChild starts a child.
func startChild(t testing.TB, args ...string) (cmd *exec.Cmd, lines *bufio.Scanner) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd = exec.Command(self)
	// The race detector would wait for a second at the end of each child.
	cmd.Env = append(os.Environ(), childEnv+"="+strings.Join(args, "\n"), "GORACE=atexit_sleep_ms=0")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	return cmd, bufio.NewScanner(out)
}

// kill kills a child and waits for its end.
func kill(t testing.TB, cmd *exec.Cmd) {
	t.Helper()
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	err := cmd.Wait()
	if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.Sys().(syscall.WaitStatus).Signal() != unix.SIGKILL {
		t.Fatalf("the child ended with %v", err)
	}
}

// childServing starts a server for a directory in a child.
func childServing(t testing.TB, mask, dir string) (cmd *exec.Cmd, address string) {
	t.Helper()
	cmd, lines := startChild(t, mask, "serve", dir)
	if !lines.Scan() {
		t.Fatalf("the child has printed nothing: %v", lines.Err())
	}
	return cmd, lines.Text()
}

// serving starts a server on a TCP port and closes it at the end of the test.
func serving(t testing.TB, s *filetransfer.Server) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := hosttest.InBackground(func() error { return s.Serve(l) })
	t.Cleanup(func() {
		s.Close()
		if err := hosttest.Receive(t, served); err != filetransfer.ErrServerClosed {
			t.Error(err)
		}
	})
	return l.Addr().String()
}

// A gate lets a number of bytes pass and blocks further ones until it is
// opened.
type gate struct {
	after   int
	reached chan struct{} // closed when a goroutine blocks at the gate
	open    chan struct{}
	once    sync.Once
	passed  int
}

func newGate(after int) *gate {
	return &gate{after: after, reached: make(chan struct{}), open: make(chan struct{})}
}

// pass counts n bytes, and blocks if the limit is reached.
func (g *gate) pass(n int) {
	if g.passed += n; g.passed > g.after {
		g.once.Do(func() { close(g.reached) })
		<-g.open
	}
}

// gatedFiles is a file system whose files are read through a gate.
type gatedFiles struct {
	fs.FS
	gate *gate
}

func (f gatedFiles) Open(name string) (fs.File, error) {
	file, err := f.FS.Open(name)
	if err == nil {
		file = gatedFile{file, f.gate}
	}
	return file, err
}

type gatedFile struct {
	fs.File
	gate *gate
}

func (f gatedFile) Read(p []byte) (int, error) {
	n, err := f.File.Read(p)
	f.gate.pass(n)
	return n, err
}

func (f gatedFile) ReadDir(n int) ([]fs.DirEntry, error) {
	return f.File.(fs.ReadDirFile).ReadDir(n)
}

// A gatedConn writes through a gate.
type gatedConn struct {
	net.Conn
	gate *gate
}

func (c gatedConn) Write(p []byte) (int, error) {
	c.gate.pass(len(p))
	return c.Conn.Write(p)
}

// killPlaces are the numbers of bytes of a file of 10 chunks after which a
// process is killed.
var killPlaces = map[string]int{"at once": 1, "in the middle": 5 * chunkSize, "before its last chunk": 9*chunkSize + 1}

// wantPartSize waits until the part has the bytes that passed a gate, except
// those in transit.
func (p *place) wantPartSize(t testing.TB, passed int) {
	t.Helper()
	hosttest.Eventually(t, "what was sent is stored", func() bool {
		stat, err := os.Stat(filepath.Join(p.toDir, "file.part"))
		return err == nil && int(stat.Size()) >= passed-2*chunkSize
	})
}

// wantResumeAfterKill checks the files that a killed process left, and that a
// second transfer resumes from them.
func (p *place) wantResumeAfterKill(t testing.TB, j job, old string) {
	t.Helper()
	path := filepath.Join(p.toDir, "file")
	if old == "" {
		wantFiles(t, p.toDir, "file.part")
	} else if got := readFile(t, path); got != old {
		t.Errorf("the old file has become one of %d bytes", len(got))
	}
	held := len(readFile(t, path+".part"))
	if carried := j.resume(t, p); carried > len(p.content)-held+blocksSize {
		t.Errorf("%d bytes were carried, although %d of %d were there", carried, held, len(p.content))
	}
	p.wantWhole(t)
}

func TestClientResumesAfterKill(t *testing.T) {
	for name, after := range killPlaces {
		for _, old := range []string{"", "old"} {
			t.Run(name+old, func(t *testing.T) {
				p := newPlace(t, random(10*chunkSize))
				if old != "" {
					writeFile(t, filepath.Join(p.toDir, "file"), old)
				}
				g := newGate(after)
				s := p.server()
				s.FS = gatedFiles{s.FS, g}
				cmd, _ := startChild(t, "022", "download", serving(t, s), p.toDir)
				hosttest.Receive(t, g.reached)
				p.wantPartSize(t, after)
				kill(t, cmd)
				close(g.open)
				j := overwriting("download")
				j.data = toClient
				p.wantResumeAfterKill(t, j, old)
			})
		}
	}
}

func TestServerResumesAfterKill(t *testing.T) {
	for name, after := range killPlaces {
		for _, old := range []string{"", "old"} {
			t.Run(name+old, func(t *testing.T) {
				p := newPlace(t, random(10*chunkSize))
				if old != "" {
					writeFile(t, filepath.Join(p.toDir, "file"), old)
				}
				cmd, address := childServing(t, "022", p.toDir)
				conn, err := net.Dial("tcp", address)
				if err != nil {
					t.Fatal(err)
				}
				g := newGate(after + blocksSize/2) // without the bytes of the request
				j := overwriting("upload")
				j.data = toServer
				uploaded := hosttest.InBackground(func() error { return j.do(t, t.Context(), gatedConn{conn, g}, p) })
				hosttest.Receive(t, g.reached)
				p.wantPartSize(t, after)
				kill(t, cmd)
				close(g.open)
				if err := hosttest.Receive(t, uploaded); err == nil {
					t.Error("the client did not notice that its server was killed")
				}
				p.wantResumeAfterKill(t, j, old)
			})
		}
	}
}

// permissions are the permissions of the transferred files.
var permissions = []fs.FileMode{0o400, 0o444, 0o600, 0o640, 0o644, 0o666, 0o755, 0o777, 0o700 | fs.ModeSetuid}

// filesOfAllPermissions returns a directory with one file per permission, each
// with a different time.
func filesOfAllPermissions(t testing.TB) (dir string, changed map[string]time.Time) {
	t.Helper()
	dir, changed = memoryDir(t), make(map[string]time.Time)
	for i, mode := range permissions {
		name := fmt.Sprintf("%#o", mode.Perm())
		changed[name] = time.Unix(1e9*int64(i), int64(i)*123456789%1e9)
		path := filepath.Join(dir, name)
		writeFile(t, path, name)
		if err := errors.Join(os.Chmod(path, mode), os.Chtimes(path, time.Time{}, changed[name])); err != nil {
			t.Fatal(err)
		}
	}
	return dir, changed
}

// wantPermissions checks files that a process with an umask stored.
func wantPermissions(t testing.TB, dir string, mask fs.FileMode, changed map[string]time.Time) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != len(changed) {
		t.Fatalf("there are %v, %v", entries, err)
	}
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil {
			t.Fatal(err)
		}
		mode, _ := strconv.ParseUint(entry.Name(), 8, 32)
		if want := fs.FileMode(mode) &^ mask; info.Mode() != want || !info.ModTime().Equal(changed[entry.Name()]) {
			t.Errorf("%s has the mode %v and time %v, want %v and %v", entry.Name(), info.Mode(), info.ModTime(), want, changed[entry.Name()])
		}
	}
}

func TestClientKeepsPermissionsAndTimes(t *testing.T) {
	for _, mask := range []string{"000", "022", "027", "077"} {
		bits, _ := strconv.ParseUint(mask, 8, 32)
		t.Run("download with umask "+mask, func(t *testing.T) {
			from, changed := filesOfAllPermissions(t)
			to := memoryDir(t)
			address := serving(t, &filetransfer.Server{FS: openDir(t, from).FS(), Logger: quiet})
			cmd, lines := startChild(t, mask, "download", address, to)
			for lines.Scan() {
				t.Error(lines.Text())
			}
			if err := cmd.Wait(); err != nil {
				t.Error(err)
			}
			wantPermissions(t, to, fs.FileMode(bits), changed)
		})
		t.Run("upload to umask "+mask, func(t *testing.T) {
			from, changed := filesOfAllPermissions(t)
			to := memoryDir(t)
			cmd, address := childServing(t, mask, to)
			conn, err := net.Dial("tcp", address)
			if err != nil {
				t.Fatal(err)
			}
			c := filetransfer.NewClient(conn)
			for name := range changed {
				if err := doUpload(t.Context(), c, filepath.Join(from, name), name); err != nil {
					t.Error(err)
				}
			}
			wantPermissions(t, to, fs.FileMode(bits), changed)

			// Mode 0 means the default permissions, and a zero time means now.
			began := time.Now().Add(-time.Second)
			if err := doPut(t.Context(), c, "usual", strings.NewReader("usual"), filetransfer.Info{Size: 5}); err != nil {
				t.Error(err)
			}
			info, err := os.Stat(filepath.Join(to, "usual"))
			if err != nil {
				t.Fatal(err)
			}
			if want := 0o666 &^ fs.FileMode(bits); info.Mode() != want || info.ModTime().Before(began) {
				t.Errorf("the usual file has the mode %v and time %v, want %v", info.Mode(), info.ModTime(), want)
			}
			c.Close()
			kill(t, cmd)
		})
	}
}
