//go:build linux

package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// outputGrace is how long output may still come after the command's end from
// processes that it left behind.
const outputGrace = 2 * time.Second

// A job is what lab/run was asked to do.
type job struct {
	arguments   []string
	environment []string
	folder      string
	user        string    // empty for root
	deadline    time.Time // when lab/run ends the machine
}

// readJob reads the files that lab/run wrote. Lists end every element with a
// NUL, the one byte that no argument can hold.
func readJob(folder string) (*job, error) {
	read := func(name string) []string {
		content, _ := os.ReadFile(filepath.Join(folder, name))
		list := strings.Split(string(content), "\x00")
		return list[:len(list)-1]
	}
	j := &job{arguments: read("arguments"), environment: read("environment")}
	if list := read("folder"); len(list) == 1 {
		j.folder = list[0]
	}
	if list := read("user"); len(list) == 1 {
		j.user = list[0]
	}
	if list := read("deadline"); len(list) == 1 {
		seconds, err := strconv.ParseInt(list[0], 10, 64)
		if err != nil {
			return nil, fmt.Errorf("the job's deadline: %w", err)
		}
		j.deadline = time.Unix(seconds, 0)
	}
	if len(j.arguments) == 0 || j.folder == "" {
		return nil, fmt.Errorf("the job in %s names no command or no folder", folder)
	}
	return j, nil
}

// run runs the command to its end and returns its exit status in the way of a
// shell, and a note for the user when there is more to say.
func (j *job) run(output io.Writer) (code int, note string) {
	environment := append(j.environment, "RFCOMM_LAB="+controlSocket)
	attributes := &syscall.SysProcAttr{Setsid: true}
	if j.user != "" {
		account, err := becomeUser(j.user, j.folder, environment)
		if err != nil {
			return 126, err.Error()
		}
		attributes.Credential = account.credential
		environment = account.environment
	}

	// The command is looked up here, as the shell outside would have done.
	os.Setenv("PATH", lookup(environment, "PATH"))
	if err := os.Chdir(j.folder); err != nil {
		return 126, fmt.Sprintf("cannot enter the folder: %v", err)
	}
	command := exec.Command(j.arguments[0], j.arguments[1:]...)
	// A relative path that PATH itself led to is what the user wrote.
	if errors.Is(command.Err, exec.ErrDot) {
		command.Err = nil
	}
	command.Env = environment
	command.Stdout = output
	command.Stderr = output
	command.SysProcAttr = attributes
	command.WaitDelay = outputGrace
	err := command.Run()

	var exit *exec.ExitError
	switch {
	case err == nil, errors.Is(err, exec.ErrWaitDelay):
		return 0, ""
	case errors.As(err, &exit):
		if ws := exit.Sys().(syscall.WaitStatus); ws.Signaled() {
			return 128 + int(ws.Signal()), fmt.Sprintf("the command was ended by a signal: %v", ws.Signal())
		}
		return exit.ExitCode(), ""
	case errors.Is(err, exec.ErrNotFound), errors.Is(err, os.ErrNotExist):
		return 127, fmt.Sprintf("cannot run %q: not found", j.arguments[0])
	}
	return 126, fmt.Sprintf("cannot run %q: %v", j.arguments[0], err)
}

// An account is what a command needs to run as an unprivileged user.
type account struct {
	credential  *syscall.Credential
	environment []string
}

// becomeUser prepares the machine for a command that runs as a user: a home
// that it can write to, and ways to the folder and to the Go modules, which
// often lie in a home that only its owner may enter. All of this changes only
// the layer in memory.
func becomeUser(name, folder string, environment []string) (*account, error) {
	entry, err := user.Lookup(name)
	if err != nil {
		return nil, fmt.Errorf("-u %s: %v", name, err)
	}
	uid, err1 := strconv.ParseUint(entry.Uid, 10, 32)
	gid, err2 := strconv.ParseUint(entry.Gid, 10, 32)
	if err := errors.Join(err1, err2); err != nil {
		return nil, fmt.Errorf("-u %s: %v", name, err)
	}

	home := runFolder + "/home"
	cache := home + "/.cache"
	for _, path := range []string{home, cache} {
		if err := os.MkdirAll(path, 0o700); err != nil {
			return nil, err
		}
		if err := os.Chown(path, int(uid), int(gid)); err != nil {
			return nil, err
		}
	}
	openWay(folder)
	if modules := lookup(environment, "GOMODCACHE"); modules != "" {
		openWay(modules)
	}

	replaced := map[string]string{
		"HOME": home, "USER": name, "LOGNAME": name,
		"XDG_CACHE_HOME": cache, "GOCACHE": cache + "/go-build", "GOTMPDIR": "", "TMPDIR": "/tmp",
	}
	environment = slices.DeleteFunc(slices.Clone(environment), func(variable string) bool {
		key, _, _ := strings.Cut(variable, "=")
		_, found := replaced[key]
		return found
	})
	for key, value := range replaced {
		if value != "" {
			environment = append(environment, key+"="+value)
		}
	}
	return &account{
		// No Groups: the supplementary groups are dropped.
		credential:  &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)},
		environment: environment,
	}, nil
}

// openWay lets everybody pass through the folders above a path. What cannot be
// opened shows itself when the command gets there.
func openWay(path string) {
	for path = filepath.Clean(path); path != "/" && path != "."; path = filepath.Dir(path) {
		if info, err := os.Stat(path); err == nil && info.IsDir() && info.Mode().Perm()&0o001 == 0 {
			_ = os.Chmod(path, info.Mode().Perm()|0o001)
		}
	}
}

// lookup returns the value of a variable in an environment.
func lookup(environment []string, key string) string {
	for _, variable := range slices.Backward(environment) {
		if k, value, _ := strings.Cut(variable, "="); k == key {
			return value
		}
	}
	return ""
}

// loopbackUp gives the machine its loopback interface, which programs expect
// even where there is no network.
func loopbackUp() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("bringing the loopback interface up: %w", err)
	}
	defer unix.Close(fd)
	request, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	request.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	if err := unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, request); err != nil {
		return fmt.Errorf("bringing the loopback interface up: %w", err)
	}
	return nil
}
