package rfcomm

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

// taking holds the functions that take a descriptor.
var taking = map[string]func(*os.File) (any, error){
	"FileConn": func(f *os.File) (any, error) {
		c, err := FileConn(f)
		if c == nil {
			return nil, err
		}
		return c, err
	},
	"FileListener": func(f *os.File) (any, error) {
		l, err := FileListener(f)
		if l == nil {
			return nil, err
		}
		return l, err
	},
}

func TestFileConnRefusesOtherDescriptors(t *testing.T) {
	for kind, tt := range map[string]struct {
		open  func(t *testing.T) *os.File
		cause error
		says  string
	}{
		"end of a socketpair": {func(t *testing.T) *os.File {
			pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
			if err != nil {
				t.Fatal(err)
			}
			unix.Close(pair[1])
			return os.NewFile(uintptr(pair[0]), "descriptor")
		}, unix.EPROTOTYPE, "not an RFCOMM socket"},
		"TCP socket": {func(t *testing.T) *os.File {
			return os.NewFile(uintptr(hosttest.NewSocket(t, unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC)), "descriptor")
		}, unix.EPROTOTYPE, "not an RFCOMM socket"},
		"regular file": {func(t *testing.T) *os.File {
			f, err := os.Create(filepath.Join(t.TempDir(), "descriptor"))
			if err != nil {
				t.Fatal(err)
			}
			return f
		}, unix.ENOTSOCK, "non-socket"},
		"pipe": {func(t *testing.T) *os.File {
			var pipe [2]int
			if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC); err != nil {
				t.Fatal(err)
			}
			unix.Close(pipe[1])
			return os.NewFile(uintptr(pipe[0]), "descriptor")
		}, unix.ENOTSOCK, "non-socket"},
	} {
		for name, take := range taking {
			t.Run(name+"/"+kind, func(t *testing.T) {
				f := tt.open(t)
				defer f.Close()
				hosttest.LeavesNothingBehind(t, func() {
					got, err := take(f)
					if got != nil {
						t.Errorf("got %v", got)
					}
					wantOpError(t, err, net.OpError{Op: "file", Addr: fileAddr(f.Name()), Err: tt.cause})
					if !strings.Contains(err.Error(), tt.says) || !strings.Contains(err.Error(), "descriptor") {
						t.Errorf("the message %q lacks %q or the file's name", err, tt.says)
					}
				})
				if !isBlocking(t, f) {
					t.Error("the descriptor does not block any more")
				}
			})
		}
	}
}

func TestFileConnRefusesClosedFiles(t *testing.T) {
	for name, take := range taking {
		t.Run(name, func(t *testing.T) {
			f, err := os.CreateTemp(t.TempDir(), "")
			if err != nil {
				t.Fatal(err)
			}
			f.Close()
			got, err := take(f)
			if got != nil {
				t.Errorf("got %v", got)
			}
			wantOpError(t, err, net.OpError{Op: "file", Addr: fileAddr(f.Name()), Err: os.ErrClosed})
		})
	}
}

func TestFileConnRefusesNil(t *testing.T) {
	for name, take := range taking {
		t.Run(name, func(t *testing.T) {
			got, err := take(nil)
			if got != nil {
				t.Errorf("got %v", got)
			}
			if _, ok := err.(*net.OpError); !ok || !errors.Is(err, unix.EINVAL) {
				t.Errorf("got the error %v, want a *net.OpError that matches EINVAL", err)
			}
		})
	}
}
