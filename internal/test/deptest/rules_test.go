package deptest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"
)

const module = "github.com/go-rfcomm/rfcomm"

// everywhere matches all packages of the module.
var everywhere = []string{"./..."}

// rules are the import rules of the module. Those of the form "only X imports
// Y" also hold for packages that do not exist yet.
var rules = []Rule{
	{
		From: []string{"."}, To: []string{External}, Beside: []string{"golang.org/x/sys/..."}, Indirect: true,
		Reason: "the root depends on golang.org/x/sys alone",
	},
	{
		From: []string{"."}, To: []string{"./sdp/...", "./inquiry/...", "./bluez/...", "./serial/..."}, Indirect: true,
		Reason: "sdp, inquiry, bluez and serial build on rfcomm; a connection needs neither discovery nor a daemon",
	},
	{
		From: []string{"./sdp/...", "./inquiry/..."}, To: []string{External}, Beside: []string{"golang.org/x/sys/..."}, Indirect: true,
		Reason: "sdp and inquiry depend on what the root depends on",
	},
	{
		From: []string{"./sdp/..."}, To: []string{"./..."}, Beside: []string{".", "./internal/...", "./sdp/..."}, Indirect: true,
		Reason: "sdp builds on rfcomm alone",
	},
	{
		From: []string{"./inquiry/..."}, To: []string{"./..."}, Beside: []string{".", "./internal/...", "./inquiry/..."}, Indirect: true,
		Reason: "inquiry builds on rfcomm alone",
	},
	{
		From: []string{"./internal/..."}, Except: []string{"./internal/test/..."},
		To: []string{"./sdp/...", "./inquiry/...", "./bluez/...", "./serial/..."}, Indirect: true,
		Reason: "sdp, inquiry, bluez and serial build on the internal packages",
	},
	{
		From: []string{"./serial/..."}, To: []string{External}, Beside: []string{"golang.org/x/sys/..."}, Indirect: true,
		Reason: "serial depends on what the root depends on",
	},
	{
		From: []string{"./serial/..."}, To: []string{"./..."}, Beside: []string{".", "./internal/...", "./serial/..."}, Indirect: true,
		Reason: "serial builds on rfcomm alone; programs pass in the listeners and dials of sdp and bluez",
	},
	{
		From: []string{"./filetransfer/...", "./obex/..."}, To: []string{"."}, Indirect: true,
		Reason: "a protocol runs over any net.Conn",
	},
	{
		From: []string{"./bluez"}, To: []string{External}, Beside: []string{"github.com/godbus/dbus/...", "golang.org/x/sys/..."}, Indirect: true,
		Reason: "bluez needs one library, for D-Bus, beside what the root depends on",
	},
	{
		From: []string{"./bluez/..."}, To: []string{"./..."},
		Beside: []string{".", "./sdp/...", "./inquiry/...", "./internal/...", "./bluez/..."}, Indirect: true,
		Reason: "bluez builds on rfcomm, sdp and inquiry",
	},
	{
		From: everywhere, Except: []string{"./bluez/internal/..."}, To: []string{"./bluez/internal/..."},
		Reason: "the fake bus helps tests",
	},
	{
		From: everywhere, Except: []string{"./bluez/..."}, To: []string{"github.com/godbus/..."}, Tests: true,
		Reason: "only bluez talks to the daemon",
	},
	{
		From: everywhere, To: []string{"go.bug.st/serial/...", "github.com/tarm/serial/..."}, Tests: true,
		Reason: "serial.OpenLine has flow control and deadlines, and its Close ends a Write",
	},
	{
		From: everywhere, Except: []string{"./cmd/rfcommctl/..."}, To: commandLibraries, Tests: true,
		Reason: "a library must not bring the dependencies of a command",
	},
	{
		From: []string{"./cmd/..."}, To: []string{"./internal/...", "./.../internal/..."},
		Beside: []string{"./cmd/rfcommctl/internal/..."},
		Reason: "a program outside of the module can do what the command does",
	},
	{
		From: everywhere, To: []string{"github.com/google/go-cmp/...", "golang.org/x/net/..."},
		Reason: "only tests need it",
	},
	{
		From: everywhere, Except: []string{"./lab/...", "./rfcommtest/..."}, To: []string{"./rfcommtest/..."},
		Reason: "only tests and the lab use virtual controllers",
	},
	{
		From: everywhere, Except: []string{"./internal/test/...", "./lab/..."}, To: []string{"./internal/test/..."},
		Reason: "it helps tests, and the lab",
	},
	{
		From: everywhere, To: []string{"./integration/..."}, Tests: true,
		Reason: "integration holds tests only",
	},
	{
		From: []string{"./integration/..."}, To: []string{"..."},
		Reason: "integration holds tests only, beside its package comments",
	},
	{
		From: []string{"./examples/..."}, To: []string{"./internal/...", "./.../internal/..."},
		Reason: "an example is for copying into a program outside of the module",
	},
	{
		From: []string{"./internal/btsocket"}, To: []string{"./..."}, Indirect: true,
		Reason: "btsocket knows sockets, not protocols",
	},
	{
		From: []string{"./internal/framing"}, To: []string{"./...", External, "os", "net", "syscall"}, Indirect: true,
		Reason: "framing performs no I/O",
	},
}

// commandLibraries parse command lines or draw progress bars.
var commandLibraries = []string{
	"github.com/spf13/...",
	"github.com/urfave/cli/...",
	"github.com/alecthomas/kong/...",
	"github.com/peterbourgon/ff/...",
	"github.com/jessevdk/go-flags/...",
	"github.com/charmbracelet/...",
	"github.com/schollz/progressbar/...",
	"github.com/vbauerster/mpb/...",
	"github.com/cheggaaa/pb/...",
}

// systems are the operating systems whose files are checked.
var systems = []string{"linux", "darwin", "windows"}

func TestCheckOfThisModule(t *testing.T) {
	var broken []string
	for _, system := range systems {
		var packages []Package
		for _, p := range listed(t, system) {
			packages = append(packages, Package{p.ImportPath, p.Imports, slices.Concat(p.TestImports, p.XTestImports)})
		}
		if len(packages) < 20 || !slices.ContainsFunc(packages, func(p Package) bool { return p.Path == module }) {
			t.Fatalf("go list returned only %d packages on %s", len(packages), system)
		}
		broken = append(broken, Check(module, packages, rules)...)
	}
	slices.Sort(broken)
	for _, line := range slices.Compact(broken) {
		t.Error(line)
	}
}

func TestPackagesHaveComments(t *testing.T) {
	for _, p := range listed(t, "linux") {
		if err := checkComment(p.Name, p.ImportPath, p.Doc); err != nil {
			t.Error(err)
		}
	}
}

// checkComment returns an error if the first sentence of a package's comment
// does not name the package.
func checkComment(name, path, doc string) error {
	program := []rune(path[strings.LastIndex(path, "/")+1:])
	beginnings := []string{"Package " + name + " "}
	if name == "main" {
		beginnings = []string{"The program " + string(program) + " ", "Command " + string(program) + " "}
		program[0] = unicode.ToUpper(program[0])
		beginnings = append(beginnings, string(program)+" ")
	}
	for _, beginning := range beginnings {
		if strings.HasPrefix(doc, beginning) {
			return nil
		}
	}
	return fmt.Errorf("%s: the package comment %q does not begin with %q", path, doc, beginnings[0])
}

func TestCheckCommentNamesThePackage(t *testing.T) {
	for _, tt := range []struct {
		name, path, doc string
		ok              bool
	}{
		{"rfcomm", module, "Package rfcomm connects devices.", true},
		{"rfcomm", module, "", false},
		{"rfcomm", module, "Connects devices.", false},
		{"rfcomm", module, "Package rfcommtest has tests.", false},
		{"main", module + "/cmd/tool", "Tool does work.", true},
		{"main", module + "/cmd/tool", "Command tool does work.", true},
		{"main", module + "/cmd/tool", "The program tool does work.", true},
		{"main", module + "/cmd/tool", "Does work.", false},
	} {
		if err := checkComment(tt.name, tt.path, tt.doc); (err == nil) != tt.ok {
			t.Errorf("checkComment(%q, %q) = %v", tt.name, tt.doc, err)
		}
	}
}

// TestModuleIsOne also opens each directory of the module, so that go test does
// not take the results of this package's tests from its cache after a change:
// the go command that they run escapes the cache.
func TestModuleIsOne(t *testing.T) {
	root := moduleRoot(t)
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if d != nil && d.IsDir() && path != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata") {
			return fs.SkipDir
		}
		if name := filepath.Base(path); name == "go.work" || name == "go.mod" && filepath.Dir(path) != root {
			t.Errorf("%s makes another module", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestModuleReplacesNothing(t *testing.T) {
	var edited struct{ Replace []any }
	if err := json.Unmarshal(run(t, nil, "mod", "edit", "-json"), &edited); err != nil {
		t.Fatal(err)
	}
	if len(edited.Replace) > 0 {
		t.Errorf("go.mod has replace directives, which do not apply to users of the module: %v", edited.Replace)
	}
}

// A listedPackage is the description of a package by go list.
type listedPackage struct {
	Dir, ImportPath, Name, Doc                  string
	GoFiles, Imports, TestImports, XTestImports []string
}

// listed returns the packages of the module for an operating system.
func listed(t *testing.T, system string) (packages []listedPackage) {
	t.Helper()
	output := run(t, []string{"GOOS=" + system, "GOARCH=amd64", "CGO_ENABLED=0"},
		"list", "-e", "-json=Dir,ImportPath,Name,Doc,GoFiles,Imports,TestImports,XTestImports", "./...")
	for decoder := json.NewDecoder(bytes.NewReader(output)); ; {
		var p listedPackage
		err := decoder.Decode(&p)
		if err == io.EOF {
			return packages
		}
		if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
}

// moduleRoot returns the directory of the module.
func moduleRoot(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs(filepath.Join("..", "..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(root, "go.mod")); err != nil {
		t.Fatal(err)
	}
	return root
}

// run runs the go command in the root of the module and returns its output.
func run(t *testing.T, env []string, arguments ...string) []byte {
	t.Helper()
	command := exec.Command("go", arguments...)
	command.Dir = moduleRoot(t)
	command.Env = append(os.Environ(), env...)
	var stderr strings.Builder
	command.Stderr = &stderr
	output, err := command.Output()
	if err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(arguments, " "), err, stderr.String())
	}
	return output
}
