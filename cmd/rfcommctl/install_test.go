package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// A moduleProxy is a directory with a version of the module, which the go command
// takes for a module proxy (see "go help goproxy").
type moduleProxy string

const installModule, installVersion = "github.com/go-rfcomm/rfcomm", "v0.99.0-test"

// newModuleProxy makes a version of the module from the commit of this tree.
func newModuleProxy(t *testing.T) moduleProxy {
	t.Helper()
	if output, err := exec.Command("git", "rev-parse", "--verify", "HEAD").CombinedOutput(); err != nil {
		t.Skipf("needs the module's git repository: %v: %s", err, output)
	}
	proxy := moduleProxy(t.TempDir())
	directory := filepath.Join(string(proxy), filepath.FromSlash(installModule), "@v")
	if err := os.MkdirAll(directory, 0o755); err != nil {
		t.Fatal(err)
	}
	files := filepath.Join(directory, installVersion)
	write(t, installVersion+"\n", directory, "list")
	write(t, fmt.Sprintf(`{"Version":%q}`, installVersion), files+".info")
	write(t, outputOf(t, exec.Command("git", "show", "HEAD:go.mod")), files+".mod")
	archive := exec.Command("git", "archive", "--format=zip", "--prefix="+installModule+"@"+installVersion+"/", "-o", files+".zip", "HEAD")
	archive.Dir = filepath.Join("..", "..") // the root: git archives the current directory
	outputOf(t, archive)
	return proxy
}

// fileURL returns the URL of a directory.
func fileURL(directory string) string {
	return "file:///" + strings.TrimPrefix(filepath.ToSlash(directory), "/")
}

// outputOf runs a command and returns its standard output.
func outputOf(t *testing.T, c *exec.Cmd) string {
	t.Helper()
	var stderr strings.Builder
	c.Stderr = &stderr
	text, err := c.Output()
	if err != nil {
		t.Fatalf("%q: %v\n%s", c.Args, err, stderr.String())
	}
	return string(text)
}

// Users install the tool without a clone.
func TestInstallByVersion(t *testing.T) {
	proxy := newModuleProxy(t)
	cache := strings.TrimSpace(outputOf(t, exec.Command("go", "env", "GOMODCACHE")))
	configured := strings.TrimSpace(outputOf(t, exec.Command("go", "env", "GOPROXY")))
	programs := t.TempDir()
	install := exec.Command("go", "install", installModule+"/cmd/rfcommctl@"+installVersion)
	install.Dir = t.TempDir() // outside of the module
	install.Env = append(os.Environ(),
		"GOBIN="+programs,
		// The dependencies come from the module cache, which has verified them.
		"GOMODCACHE="+t.TempDir(), "GOFLAGS=-modcacherw", "GOSUMDB=off", "GONOPROXY=none", "GOWORK=off",
		"GOPROXY="+strings.Join([]string{fileURL(string(proxy)), fileURL(filepath.Join(cache, "cache", "download")), configured}, ","))
	outputOf(t, install)
	name := filepath.Join(programs, "rfcommctl")
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	if got, want := outputOf(t, exec.Command(name, "--version")), "rfcommctl "+installVersion+" "; !strings.HasPrefix(got, want) {
		t.Errorf("--version prints %q, want %q", got, want)
	}
}
