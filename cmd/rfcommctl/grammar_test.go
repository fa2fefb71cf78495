package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/go-rfcomm/rfcomm/inquiry"
)

// A grammar describes the flags that a command must have besides the common ones.
type grammar struct {
	tcp   bool     // it takes --tcp; others refuse it with a reason
	flags []string // of adapter, security, timeout and channel, those that apply
	words []string // a command line without wrong words
}

// linkFlags are the flags of commands that connect or listen.
var linkFlags = []string{"adapter", "channel", "security", "timeout"}

// grammars has an entry for every command. There are none without an entry.
var grammars = map[string]grammar{
	"adapters":   {flags: []string{"adapter"}},
	"scan":       {flags: []string{"adapter", "timeout"}},
	"pair":       {flags: []string{"adapter", "timeout"}, words: []string{fileDevice}},
	"unpair":     {flags: []string{"adapter"}, words: []string{fileDevice}},
	"trust":      {flags: []string{"adapter"}, words: []string{fileDevice}},
	"services":   {flags: []string{"adapter", "timeout"}, words: []string{fileDevice}},
	"connect":    {tcp: true, flags: linkFlags},
	"listen":     {tcp: true, flags: linkFlags},
	"tty":        {tcp: true, flags: linkFlags},
	"relay":      {tcp: true, flags: linkFlags, words: []string{"/dev/ttyUSB0"}},
	"serve":      {tcp: true, flags: linkFlags, words: []string{"."}},
	"get":        {tcp: true, flags: linkFlags, words: []string{"notes.txt"}},
	"put":        {tcp: true, flags: linkFlags, words: []string{"-", "-o", "notes.txt"}},
	"ls":         {tcp: true, flags: linkFlags},
	"stat":       {tcp: true, flags: linkFlags, words: []string{"notes.txt"}},
	"speed":      {tcp: true, flags: linkFlags},
	"doctor":     {flags: []string{"adapter", "timeout"}},
	"demo":       {},
	"help":       {words: []string{"scan"}},
	"completion": {words: []string{"bash"}},
	"man":        {words: []string{"."}},
}

// commands returns the root command and all others.
func (f *fake) commands(t *testing.T) (root *cobra.Command, all []*cobra.Command) {
	t.Helper()
	root, _ = f.rootCommand()
	root.InitDefaultHelpCmd()
	return root, root.Commands()
}

func TestGrammarOfCommands(t *testing.T) {
	f := newFake(t)
	_, all := f.commands(t)
	for _, c := range all {
		g, ok := grammars[c.Name()]
		if !ok {
			t.Errorf("%s: the command has no entry in grammars", c.Name())
		}
		if c.Short == "" || c.Long == "" || c.Example == "" {
			t.Errorf("%s: the short text, the long text or the example is missing", c.Name())
		}
		for line := range strings.Lines(c.Example) {
			if !strings.HasPrefix(line, "\t") || !strings.Contains(line, "rfcommctl") {
				t.Errorf("%s: the example %q is not a command", c.Name(), line)
			}
		}
		for _, name := range linkFlags {
			if got, want := c.Flags().Lookup(name) != nil, slices.Contains(g.flags, name); got != want {
				t.Errorf("%s: flag --%s: %v, want %v", c.Name(), name, got, want)
			}
		}
		tcp := c.Flags().Lookup("tcp")
		if tcp == nil || tcp.Hidden == g.tcp {
			t.Errorf("%s: flag --tcp is missing, or hidden although it is taken", c.Name())
		}
	}
}

// The one-letter flags are -t, -i, -q, -v, -r and -o, and -h for help.
func TestFlagsHaveAgreedLetters(t *testing.T) {
	letters := map[string]string{"timeout": "t", "duration": "t", "adapter": "i", "quiet": "q", "verbose": "v", "recursive": "r", "output": "o"}
	f := newFake(t)
	root, all := f.commands(t)
	for _, c := range append(all, root) {
		c.InheritedFlags() // makes Flags include them
		c.Flags().VisitAll(func(flag *pflag.Flag) {
			want := letters[flag.Name]
			if flag.Name == "timeout" && c.Flags().Lookup("duration") != nil {
				want = "" // -t is the time of the work itself
			}
			if flag.Shorthand != want {
				t.Errorf("%s: flag --%s has the letter %q, want %q", c.Name(), flag.Name, flag.Shorthand, want)
			}
		})
		for _, name := range []string{"quiet", "verbose", "help", "version"} {
			if c.Flag(name) == nil {
				t.Errorf("%s: flag --%s is missing", c.Name(), name)
			}
		}
	}
}

func TestCommandsTakeCommonFlags(t *testing.T) {
	f := newFake(t)
	_, all := f.commands(t)
	for _, c := range all {
		for _, flag := range []string{"--help", "-h", "--version", "-q --help", "-v --help", "--quiet --verbose --version"} {
			stdout, stderr := f.runs(t, 0, append([]string{c.Name()}, strings.Fields(flag)...)...)
			if want := "Usage:\n  rfcommctl " + c.Name(); strings.HasSuffix(flag, "version") == strings.Contains(stdout, want) || stderr != "" {
				t.Errorf("%s %s printed %q, %q", c.Name(), flag, stdout, stderr)
			}
		}
	}
}

// Without Bluetooth, a wrong --tcp is refused before anything is touched.
func TestTCPNamesWhatIsWrong(t *testing.T) {
	f := newFake(t)
	_, all := f.commands(t)
	for _, c := range all {
		for address, part := range map[string]string{
			"foo:bar": `the port "bar"`, "": "use host:port", ":": "use host:port", "127.0.0.1": "use host:port",
			"localhost:": `the port ""`, "[::1:2": "use host:port", "127.0.0.1:65536": `the port "65536"`, "127.0.0.1:-1": `the port "-1"`,
		} {
			g := grammars[c.Name()]
			if !g.tcp {
				part = c.Name() + " does not work over TCP: "
			}
			stdout, stderr := f.runs(t, statusUsage, append([]string{c.Name(), "--tcp", address}, g.words...)...)
			wantError(t, stderr, part)
			if stdout != "" {
				t.Errorf("%s --tcp %q printed %q", c.Name(), address, stdout)
			}
		}
	}
	for _, line := range []string{"connect --tcp 127.0.0.1:0", "get --tcp 127.0.0.1:0 a", "tty --pty --tcp 127.0.0.1:00"} {
		_, stderr := f.runs(t, statusUsage, strings.Fields(line)...)
		wantError(t, stderr, "nothing can connect to port 0")
	}
	_, stderr := f.runs(t, statusNotFound, "connect", "--tcp", "no host:99") // no name server is asked
	wantError(t, stderr, "no host", "no such host")
}

func TestTargetsThatLookLikeHostPort(t *testing.T) {
	for _, word := range []string{"127.0.0.1:2020", "localhost:99", "[::1]:2020", ":2020", "pi:2020", "build-1.example.org:80"} {
		f := newFake(t)
		for _, command := range []string{"connect", "tty", "get", "put", "ls", "stat", "relay", "speed"} {
			if !f.has(command) {
				continue
			}
			_, stderr := f.runs(t, statusUsage, append([]string{command, word}, grammars[command].words...)...)
			wantError(t, stderr, `"`+word+`"`, "--tcp "+word)
		}
		for _, command := range []string{"services", "pair", "unpair", "trust"} {
			_, stderr := f.runs(t, statusUsage, command, word)
			wantError(t, stderr, `"`+word+`"`, "address or the name of a Bluetooth device")
			if strings.Contains(stderr, "--tcp") {
				t.Errorf("%s advises --tcp: %s", command, stderr)
			}
		}
		if len(f.inquiries)+len(f.dialed) > 0 {
			t.Errorf("%s: inquiries %v, dialed %v", word, f.inquiries, f.dialed)
		}
		f.inRange = []inquiry.Device{{Addr: printerAddr, Name: word}}
		f.runs(t, 0, "scan")
		f.resolves(t, word, printerAddr, service{}) // a device can have such a name
	}
}

// has reports whether the program has a command.
func (f *fake) has(name string) bool {
	root, _ := f.rootCommand()
	return slices.ContainsFunc(root.Commands(), func(c *cobra.Command) bool { return c.Name() == name })
}
