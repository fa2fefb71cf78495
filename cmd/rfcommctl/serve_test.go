package main

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spf13/pflag"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/filetransfer"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

// serves runs "serve" for one client, the printer, and returns its standard error.
func (f *fake) serves(t *testing.T, client func(*filetransfer.Client), arguments ...string) (stderr string) {
	t.Helper()
	conn, peer := net.Pipe()
	f.clients = []net.Conn{addressed{peer, printerAddr}}
	f.stderr.Reset()
	f.quiet, f.verbose = false, false
	ctx, cancel := context.WithCancelCause(t.Context())
	ended := hosttest.InBackground(func() int { return f.run(ctx, append([]string{"serve"}, arguments...)) })
	c := filetransfer.NewClient(conn)
	client(c)
	c.Close()
	cancel(signalError{syscall.SIGINT})
	if status := hosttest.Receive(t, ended); status != 130 {
		t.Errorf("status %d, want 130\n%s", status, &f.stderr)
	}
	return f.stderr.String()
}

// contents returns the content of a file of the server, or its error.
func contents(t *testing.T, c *filetransfer.Client, name string) string {
	var b strings.Builder
	if _, err := c.Get(t.Context(), name, &b); err != nil {
		return err.Error()
	}
	return b.String()
}

// A directory that is named is for everyone; a default and uploads are not.
func TestServeChoosesSecurity(t *testing.T) {
	for line, want := range map[string]struct {
		security rfcomm.Security
		text     string
	}{
		"":                               {rfcomm.SecurityMedium, "security medium: only paired devices are served (--security low serves all)"},
		"files":                          {0, "security low: every device in range is served, without pairing (see --security)"},
		"files --uploads":                {rfcomm.SecurityMedium, "security medium: only paired devices"},
		"files --uploads-to .":           {rfcomm.SecurityMedium, "security medium: only paired devices"},
		"--security low":                 {rfcomm.SecurityLow, "security low: every device"},
		"files --uploads --security low": {rfcomm.SecurityLow, "security low: every device"},
		"files --security high":          {rfcomm.SecurityHigh, "security high: every device with an encrypted link is served"},
	} {
		t.Run(line, func(t *testing.T) {
			f := newFileFake(t)
			directory, err := os.Getwd()
			if err != nil {
				t.Fatal(err)
			}
			if err := os.Mkdir("files", 0o755); err != nil {
				t.Fatal(err)
			}
			if strings.HasPrefix(line, "files") {
				directory = filepath.Join(directory, "files")
			}
			write(t, "content", directory, "a")
			stderr := f.serves(t, func(c *filetransfer.Client) {
				if got := contents(t, c, "a"); got != "content" {
					t.Errorf("got %q", got)
				}
			}, strings.Fields(line)...)
			wantParts(t, stderr, "rfcommctl: serving "+directory, want.text)
			if got := f.servers[0]; got.security != want.security || got.address.Channel != 20 {
				t.Errorf("listened %+v", got)
			}
		})
	}
}

// An unpaired device is refused unless everyone is served.
func TestServeRefusesStrangers(t *testing.T) {
	for line, served := range map[string]bool{"": false, "--uploads": false, ". --uploads": false, ".": true, "--security medium": true} {
		f := newFileFake(t)
		write(t, "content", "a")
		f.bonded = func(context.Context, rfcomm.BDAddr, rfcomm.BDAddr) (bool, error) { return false, nil }
		stderr := f.serves(t, func(c *filetransfer.Client) {
			if got := contents(t, c, "a"); (got == "content") != served {
				t.Errorf("%q: got %q", line, got)
			}
		}, strings.Fields(line)...)
		if refused := strings.Contains(stderr, "00:AA:01:00:00:01 is refused: it is not paired"); refused == served {
			t.Errorf("%q printed %s", line, stderr)
		}
	}
}

func TestServeStoresUploadsWhereAsked(t *testing.T) {
	for line, want := range map[string]string{
		"":                         "", // refused
		"--uploads":                "./new",
		"files --uploads":          "files/new",
		"files --uploads-to inbox": "inbox/new",
	} {
		f := newFileFake(t)
		for _, name := range []string{"files", "inbox"} {
			if err := os.Mkdir(name, 0o755); err != nil {
				t.Fatal(err)
			}
		}
		var put error
		stderr := f.serves(t, func(c *filetransfer.Client) {
			_, put = c.Put(t.Context(), "new", strings.NewReader("content"), filetransfer.Info{Size: -1})
		}, strings.Fields(line)...)
		if want == "" {
			if put == nil {
				t.Errorf("%q: it accepted a file", line)
			}
			wantParts(t, stderr, "which nobody can change (see --uploads)")
			continue
		}
		wantFile(t, "content", want)
		wantParts(t, stderr, "storing files in ", "  00:AA:01:00:00:01  receiving new\n", "  00:AA:01:00:00:01  received new  7 B  in ")
	}
}

func TestServeLogsForPeople(t *testing.T) {
	f := newFileFake(t)
	writeOdd(t, "content", "a\x1b[31m\nb")
	client := func(c *filetransfer.Client) {
		contents(t, c, "a\x1b[31m\nb")
		contents(t, c, "missing\n")
	}
	stderr := f.serves(t, client, ".")
	wantParts(t, stderr, `  00:AA:01:00:00:01  sending a\x1b[31m\x0ab  7 B`+"\n", `  00:AA:01:00:00:01  sent a\x1b[31m\x0ab  7 B  in `, `B/s`, "  00:AA:01:00:00:01  request failed: get ", "missing", "no such file")
	if strings.ContainsAny(stderr, "\x1b") || strings.Contains(stderr, "sha256") || strings.Contains(stderr, "]:") {
		t.Errorf("it printed %q", stderr)
	}
	wantParts(t, f.serves(t, client, ".", "-v"), "sha256=ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73")
	if stderr := f.serves(t, client, ".", "-q"); strings.Contains(stderr, "sent") || !strings.Contains(stderr, "missing") {
		t.Errorf("with -q, it printed %s", stderr)
	}
}

func TestServeRefusesWrongUsage(t *testing.T) {
	for line, want := range map[string]struct {
		status int
		part   string
	}{
		"a b":                        {statusUsage, `unexpected word "b"`},
		"a b --uploads":              {statusUsage, "use --uploads-to b"},
		"--uploads --uploads-to .":   {statusUsage, "exclude each other"},
		"--uploads-to=":              {statusUsage, "--uploads-to needs a directory"},
		"--replace":                  {statusUsage, "add --uploads"},
		"--max-upload 1M":            {statusUsage, "add --uploads"},
		"--uploads --max-upload 0":   {statusUsage, "such as 4096, 64K, 100M or 2G"},
		"--reserve 1M":               {statusUsage, "--reserve is for files that are sent: add --uploads"},
		"--keep-parts 1h":            {statusUsage, "--keep-parts is for files that are sent: add --uploads"},
		"--uploads --reserve -1":     {statusUsage, "such as 64M or 2G, or 0"},
		"--uploads --keep-parts x":   {statusUsage, "such as 12h or 720h, or 0"},
		"--uploads --keep-parts -1s": {statusUsage, "use 0 or more"},
		"--uploads --max-upload 1X":  {statusUsage, "such as 4096, 64K, 100M or 2G"},
		"--publish=":                 {statusUsage, "--publish needs a name"},
		"--publish x -i hci0":        {statusUsage, "on every adapter"},
		"--channel 31":               {statusUsage, "channel from 1 to 30"},
		"--timeout 0":                {statusUsage, "more than 0"},
		"--tcp nonsense":             {statusUsage, "host:port"},
		"--tcp 127.0.0.1:0 -i hci0":  {statusUsage, "--adapter is for Bluetooth"},
		"missing":                    {statusNotFound, "missing: no such"},
		"file":                       {statusOther, "file is not a directory"},
		". --uploads-to missing":     {statusNotFound, "missing: no such"},
	} {
		f := newFileFake(t)
		write(t, "", "file")
		stdout, stderr := f.runs(t, want.status, append([]string{"serve"}, strings.Fields(line)...)...)
		wantError(t, stderr, want.part)
		if stdout != "" || len(f.servers) > 0 {
			t.Errorf("serve %s: printed %q, listened %v", line, stdout, f.servers)
		}
	}
}

// An empty name, as that of a variable that is not set, must not offer the current
// directory.
func TestServeRefusesEmptyName(t *testing.T) {
	f := newFileFake(t)
	_, stderr := f.runs(t, statusUsage, "serve", "")
	wantError(t, stderr, "the name of the directory is empty")
	if len(f.servers) > 0 {
		t.Error("it listened")
	}
}

func TestServeNotesHowToConnect(t *testing.T) {
	for line, want := range map[string]string{
		".":             "To connect: rfcommctl ls 00:AA:01:00:00:00\n",
		". --channel 7": "To connect: rfcommctl ls 00:AA:01:00:00:00/7\n",
	} {
		f := newFileFake(t)
		f.chatty = true
		wantParts(t, f.serves(t, func(*filetransfer.Client) {}, strings.Fields(line)...), want)
	}
}

// A transfer that has begun is finished after the first Ctrl-C.
func TestServeFinishesTransfer(t *testing.T) {
	f := newFileFake(t)
	content := strings.Repeat("content", 100_000)
	write(t, content, "a")
	conn, peer := net.Pipe()
	f.clients = []net.Conn{addressed{peer, printerAddr}}
	ctx, cancel := context.WithCancelCause(t.Context())
	ended := hosttest.InBackground(func() int { return f.run(ctx, []string{"serve", "."}) })
	c := filetransfer.NewClient(conn)
	var b interrupting
	b.interrupt = func() { cancel(signalError{syscall.SIGINT}) }
	if _, err := c.Get(t.Context(), "a", &b); err != nil || b.String() != content {
		t.Errorf("got %d bytes, %v", b.Len(), err)
	}
	c.Close()
	if status := hosttest.Receive(t, ended); status != 130 {
		t.Errorf("status %d, want 130\n%s", status, &f.stderr)
	}
}

// An interrupting buffer calls a function at the first Write.
type interrupting struct {
	strings.Builder
	interrupt func()
}

func (b *interrupting) Write(p []byte) (int, error) {
	b.interrupt()
	return b.Builder.Write(p)
}

// On a terminal, a transfer is shown until the log has it.
func TestServeShowsProgress(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, strings.Repeat("content", 100_000), "a")
	synctest.Test(t, func(t *testing.T) {
		f, s := newFake(t), new(screen)
		f.chatty, f.tool.stderr = true, s
		f.serves(t, func(c *filetransfer.Client) {
			var b interrupting
			b.interrupt = func() { time.Sleep(time.Second) }
			if _, err := c.Get(t.Context(), "a", &b); err != nil {
				t.Error(err)
			}
		}, ".")
		wantParts(t, s.String(), "\ra  ", "%  327.7 kB of 700.0 kB  ")
		for _, line := range s.lines() {
			if strings.HasPrefix(line, "a  ") {
				t.Errorf("the screen keeps %q", line)
			}
		}
	})
}

// Hidden files do not exist for clients unless they are asked for.
func TestServeHidesDotFiles(t *testing.T) {
	for _, flag := range []string{"--hidden=false", "--hidden"} {
		f := newFileFake(t)
		write(t, "secret", ".profile")
		hidden := flag != "--hidden"
		f.serves(t, func(c *filetransfer.Client) {
			if got := contents(t, c, ".profile"); (got != "secret") != hidden {
				t.Errorf("%s: got %q", flag, got)
			}
			if list, err := c.List(t.Context(), "."); err != nil || (len(list) == 0) != hidden {
				t.Errorf("%s: List = %v, %v", flag, list, err)
			}
			_, err := c.Put(t.Context(), ".bashrc", strings.NewReader("evil"), filetransfer.Info{})
			if errors.Is(err, filetransfer.ErrRefused) != hidden {
				t.Errorf("%s: Put: %v", flag, err)
			}
		}, "--uploads", "--security", "low", flag)
	}
}

func TestServeReplacesOnlyIfAsked(t *testing.T) {
	for _, flag := range []string{"--replace=false", "--replace"} {
		f := newFileFake(t)
		write(t, "old", "a")
		want := "old"
		stderr := f.serves(t, func(c *filetransfer.Client) {
			c.Overwrite = true
			_, err := c.Put(t.Context(), "a", strings.NewReader("new"), filetransfer.Info{})
			if flag == "--replace" {
				want = "new"
			}
			if errors.Is(err, filetransfer.ErrRefused) == (flag == "--replace") {
				t.Errorf("%s: Put: %v", flag, err)
			}
		}, "--uploads", "--security", "low", flag)
		wantFile(t, want, "a")
		if strings.Contains(stderr, "  replaced an existing file\n") != (flag == "--replace") {
			t.Errorf("%s: stderr %s", flag, stderr)
		}
	}
}

// The flags become those of the server, where 0 means the default.
func TestServeTakesLimits(t *testing.T) {
	for line, want := range map[string]struct{ reserve, keep int64 }{
		"":                                {0, 0},
		"--reserve 1M --keep-parts 12h":   {1 << 20, int64(12 * time.Hour)},
		"--reserve 0 --keep-parts 0":      {-1, -1},
		"--reserve=2G --keep-parts=86400": {2 << 30, int64(24 * time.Hour)},
	} {
		var o serveOptions
		flags := pflag.NewFlagSet("", pflag.ContinueOnError)
		flags.Var(&o.reserve, "reserve", "")
		flags.Var(&o.keepParts, "keep-parts", "")
		if err := flags.Parse(strings.Fields(line)); err != nil {
			t.Fatal(err)
		}
		o.directory, o.uploads = t.TempDir(), t.TempDir()
		server, closeAll, err := newFake(t).fileServer(&o)
		if err != nil {
			t.Fatal(err)
		}
		closeAll()
		if server.Reserve != want.reserve || int64(server.KeepParts) != want.keep {
			t.Errorf("%s: the server has %d and %v, want %d and %d", line, server.Reserve, server.KeepParts, want.reserve, want.keep)
		}
	}
}

// What is left of the disk is too little for any file.
func TestServeKeepsSpaceFree(t *testing.T) {
	f := newFileFake(t)
	f.serves(t, func(c *filetransfer.Client) {
		_, err := c.Put(t.Context(), "new", strings.NewReader("content"), filetransfer.Info{Size: 7})
		if runtime.GOOS == "linux" && !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("Put: %v", err)
		}
	}, "--uploads", "--security", "low", "--reserve", "1000000G")
}

// An empty file and one of unknown size are logged without it.
func TestServeLogsNoUnknownSize(t *testing.T) {
	f := newFileFake(t)
	write(t, "", "empty")
	stderr := f.serves(t, func(c *filetransfer.Client) { contents(t, c, "empty") })
	wantParts(t, stderr, "  sending empty\n", "  sent empty  0 B  in ")
}
