package labscript

import (
	"archive/zip"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const (
	modulePath = "github.com/go-rfcomm/rfcomm"
	version    = "v0.0.1-lab"
)

// A user is a module other than this one, in a directory of its own. Its go
// command has a module cache of its own, into which it has downloaded this
// module as from a proxy: without execute bits and without a repository.
type user struct {
	t   *testing.T
	dir string
	env []string
}

// newUser returns a user whose module consists of the files.
func newUser(t *testing.T, files map[string]string) *user {
	t.Helper()
	u := &user{t: t, dir: t.TempDir()}
	for name, text := range files {
		u.write(filepath.Join(u.dir, name), text)
	}
	cache := t.TempDir()
	t.Cleanup(func() { u.command("go", "clean", "-modcache") }) // its directories are read-only
	u.env = append(os.Environ(),
		"GOMODCACHE="+cache, "GOSUMDB=off", "GOFLAGS=-mod=mod", "GOWORK=off",
		// The modules that this module requires have been downloaded to test it.
		"GOPROXY=file://"+proxy(t)+",file://"+strings.TrimSpace(u.command("go", "env", "GOMODCACHE"))+"/cache/download",
	)
	u.command("go", "mod", "tidy")
	return u
}

func (u *user) write(path, text string) {
	u.t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		u.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		u.t.Fatal(err)
	}
}

// command runs a command in the user's module and returns its output.
func (u *user) command(name string, arguments ...string) string {
	u.t.Helper()
	cmd := exec.Command(name, arguments...)
	cmd.Dir, cmd.Env = u.dir, u.env
	output, err := cmd.Output()
	if err != nil {
		stderr := ""
		if exit, ok := err.(*exec.ExitError); ok {
			stderr = string(exit.Stderr)
		}
		u.t.Fatalf("%s %q: %v\n%s%s", name, arguments, err, output, stderr)
	}
	return string(output)
}

// proxy returns a directory that serves this module, in the layout of the
// module proxy protocol (https://go.dev/ref/mod#goproxy-protocol).
func proxy(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	versions := filepath.Join(dir, filepath.FromSlash(modulePath), "@v")
	if err := os.MkdirAll(versions, 0o755); err != nil {
		t.Fatal(err)
	}
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"list": version + "\n", version + ".mod": string(mod),
		version + ".info": fmt.Sprintf(`{"Version":%q}`, version),
	} {
		if err := os.WriteFile(filepath.Join(versions, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	writeZip(t, filepath.Join(versions, version+".zip"))
	return dir
}

// writeZip writes this module's files to a zip file, as a proxy has it.
func writeZip(t *testing.T, path string) {
	t.Helper()
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	z := zip.NewWriter(file)
	files := os.DirFS(root)
	err = fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && name != "." && strings.HasPrefix(entry.Name(), "."):
			return fs.SkipDir // such as .git
		case !entry.Type().IsRegular():
			return nil
		}
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		w, err := z.Create(modulePath + "@" + version + "/" + name)
		if err != nil {
			return err
		}
		_, err = w.Write(text)
		return err
	})
	if err := errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
}

// greeting is hard to pass on: "go test -exec" cannot quote it.
const greeting = "it's \"hello\"\n= 你好"

// userTest needs the machine.
const userTest = `package user

import (
	"os"
	"testing"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/rfcommtest"
)

const greeting = "it's \"hello\"\n= 你好"

func TestHello(t *testing.T) {
	for _, name := range []string{"GREETING", "ASSIGNED"} {
		if got := os.Getenv(name); got != greeting {
			t.Errorf("%s = %q", name, got)
		}
	}
	radio := rfcommtest.Require(t, rfcommtest.Config{})
	phone, printer := radio.Controllers()[0], radio.Controllers()[1]
	listener, err := new(rfcomm.ListenConfig).ListenRFCOMM(t.Context(), rfcomm.Addr{Device: printer.Addr(), Channel: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	d := rfcomm.Dialer{LocalAddr: rfcomm.Addr{Device: phone.Addr()}}
	conn, err := d.DialRFCOMM(t.Context(), listener.Addr().(rfcomm.Addr))
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
}
`

func TestRunFromModuleCache(t *testing.T) {
	if !*machine {
		t.Skip("starts a virtual machine; lab/test runs it with -machine")
	}
	u := newUser(t, map[string]string{
		"go.mod":       "module example.com/user\n\ngo 1.26.0\n\nrequire " + modulePath + " " + version + "\n",
		"user_test.go": userTest,
	})
	dir := strings.TrimSpace(u.command("go", "list", "-m", "-f", "{{.Dir}}", modulePath))
	run := filepath.Join(dir, "lab", "run")
	info, err := os.Stat(run)
	if err != nil || info.Mode().Perm() != 0o444 {
		t.Fatalf("lab/run in the module cache: %v, %v; want a file that nobody may write or execute", info, err)
	}
	u.env = append(u.env, "GREETING="+greeting)
	output := u.command("bash", run, "-e", "GREETING", "-e", "ASSIGNED="+greeting, "go", "test", "-v", ".")
	if !strings.Contains(output, "--- PASS: TestHello") {
		t.Errorf("the test in the machine did not pass:\n%s", output)
	}
}
