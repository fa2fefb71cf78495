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

// outputGrace is the time for which the output of processes that the command
// has left behind is still passed on.
const outputGrace = 2 * time.Second

// A job is a command to run, with its circumstances.
type job struct {
	arguments   []string
	environment []string
	variables   []string // of the options -e, which replace all others
	directory   string
	user        string    // empty for root
	deadline    time.Time // when lab/run ends the machine
}

// readJob reads the files that lab/run has written. Lists end each element with
// NUL, the only byte that no argument can contain.
func readJob(dir string) (*job, error) {
	read := func(name string) []string {
		content, _ := os.ReadFile(filepath.Join(dir, name))
		list := strings.Split(string(content), "\x00")
		return list[:len(list)-1]
	}
	j := &job{arguments: read("arguments"), environment: read("environment"), variables: read("variables")}
	if list := read("directory"); len(list) == 1 {
		j.directory = list[0]
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
	if len(j.arguments) == 0 || j.directory == "" {
		return nil, fmt.Errorf("the job in %s lacks a command or a directory", dir)
	}
	return j, nil
}

// run runs the command and returns its exit status as a shell would, and a note
// for the user unless the status explains itself.
func (j *job) run(output io.Writer) (code int, note string) {
	environment := append(j.environment, "RFCOMM_LAB="+controlSocket)
	attributes := &syscall.SysProcAttr{Setsid: true}
	if j.user != "" {
		account, err := becomeUser(j.user, j.directory, environment)
		if err != nil {
			return 126, err.Error()
		}
		attributes.Credential = account.credential
		environment = account.environment
	}
	environment = append(environment, j.variables...)

	// Look the command up as the shell outside would have done.
	os.Setenv("PATH", lookup(environment, "PATH"))
	if err := os.Chdir(j.directory); err != nil {
		return 126, fmt.Sprintf("cannot enter the directory: %v", err)
	}
	command := exec.Command(j.arguments[0], j.arguments[1:]...)
	// The user has relative directories in PATH, so a command found there is
	// intended.
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
			return 128 + int(ws.Signal()), fmt.Sprintf("a signal ended the command: %v", ws.Signal())
		}
		return exit.ExitCode(), ""
	case errors.Is(err, exec.ErrNotFound), errors.Is(err, os.ErrNotExist):
		return 127, fmt.Sprintf("cannot run %q: not found", j.arguments[0])
	}
	return 126, fmt.Sprintf("cannot run %q: %v", j.arguments[0], err)
}

// An account holds the credential and environment of a command that runs as a
// user without privileges.
type account struct {
	credential  *syscall.Credential
	environment []string
}

// becomeUser prepares the machine for a command that runs as a user. It makes a
// writable home directory, and gives access to the working directory and to the
// Go modules, which are often below a home directory that only its owner may
// enter. It changes only the layer in memory.
func becomeUser(name, dir string, environment []string) (*account, error) {
	entry, err := user.Lookup(name)
	if err != nil {
		return nil, fmt.Errorf("-u %s: %v", name, err)
	}
	uid, err1 := strconv.ParseUint(entry.Uid, 10, 32)
	gid, err2 := strconv.ParseUint(entry.Gid, 10, 32)
	if err := errors.Join(err1, err2); err != nil {
		return nil, fmt.Errorf("-u %s: %v", name, err)
	}

	home := runDirectory + "/home"
	cache := home + "/.cache"
	for _, path := range []string{home, cache} {
		if err := os.MkdirAll(path, 0o700); err != nil {
			return nil, err
		}
		if err := os.Chown(path, int(uid), int(gid)); err != nil {
			return nil, err
		}
	}
	giveAccess(dir)
	if modules := lookup(environment, "GOMODCACHE"); modules != "" {
		giveAccess(modules)
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

// giveAccess lets every user pass through the directories above a path. It
// ignores errors, since the command reports them when it needs the path.
func giveAccess(path string) {
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

// loopbackUp brings the loopback interface up, which programs expect even on a
// machine without a network.
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
