package main

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/go-rfcomm/rfcomm"
)

func TestCompletion(t *testing.T) {
	f := newFake(t)
	f.inRange = found("Printer", "\x1b[2Jevil")
	f.adapterList = append(f.adapterList, rfcomm.Adapter{Name: "hci1", Addr: printerAddr})
	f.nodes = nodes
	f.runs(t, 0, "scan")
	for _, tt := range []struct{ words, want []string }{
		{[]string{"connect", ""}, []string{"00:AA:01:00:00:01\tPrinter", `00:AA:01:00:00:02` + "\t" + `\x1b[2Jevil`}},
		{[]string{"services", "00:aa:01:00:00:02"}, []string{"00:aa:01:00:00:02\t" + `\x1b[2Jevil`}},
		{[]string{"connect", "00-"}, []string{"00-AA-01-00-00-01\tPrinter", `00-AA-01-00-00-02` + "\t" + `\x1b[2Jevil`}},
		{[]string{"connect", "01:"}, nil},
		{[]string{"connect", "00:AA:01:00:00:01/s"}, []string{"00:AA:01:00:00:01/spp"}},
		{[]string{"connect", "00:AA:01:00:00:01", ""}, nil},
		{[]string{"connect", "-i", ""}, []string{"hci0\t00:AA:01:00:00:00", "hci1\t00:AA:01:00:00:01"}},
		{[]string{"connect", "--security", ""}, []string{"low", "medium", "high"}},
		{[]string{"connect", "--channel", ""}, nil},
		{[]string{"se"}, []string{"serve\tOffer the files of a directory", "services\tList the services of a device"}},
		{[]string{"get", "00:AA:01:00:00:01/s"}, []string{"00:AA:01:00:00:01/spp"}},
		{[]string{"get", "00:AA:01:00:00:01", ""}, nil},
		{[]string{"put", "00:aa:01:00:00:02"}, []string{"00:aa:01:00:00:02\t" + `\x1b[2Jevil`}},
		{[]string{"put", "00:AA:01:00:00:01", ""}, nil},
		{[]string{"ls", "--tcp", "127.0.0.1:1", ""}, nil},
		{[]string{"stat", "01:"}, nil},
		{[]string{"serve", ""}, nil},
		{[]string{"serve", "--security", ""}, []string{"low", "medium", "high"}},
		{[]string{"tty", "00:AA:01:00:00:01/s"}, []string{"00:AA:01:00:00:01/spp"}},
		{[]string{"tty", "--release", ""}, []string{"rfcomm0\t00:AA:01:00:00:01", "rfcomm3\t00:AA:01:00:00:02"}},
		{[]string{"relay", "00:aa:01:00:00:02"}, []string{"00:aa:01:00:00:02\t" + `\x1b[2Jevil`}},
		{[]string{"relay", "--flow", ""}, []string{"none", "rts", "xon"}},
		{[]string{"help", "a"}, []string{"adapters\tList the adapters and what keeps them from working; switch them on"}},
		{[]string{"completion", ""}, []string{"bash", "zsh", "fish"}},
		{[]string{"connect", "--wa"}, []string{"--wait\tafter the end of standard input, disconnect after this time of silence; negative: when the device closes"}},
	} {
		stdout, _ := f.runs(t, 0, append([]string{"__complete"}, tt.words...)...)
		got := strings.Split(strings.TrimSpace(stdout), "\n")
		got = got[:len(got)-1] // without the directive
		slices.Sort(got)
		slices.Sort(tt.want)
		if !slices.Equal(got, tt.want) {
			t.Errorf("%q completes to %q, want %q", tt.words, got, tt.want)
		}
	}
	if len(f.inquiries) != 1 || len(f.searched)+len(f.dialed) > 0 {
		t.Errorf("completion used Bluetooth")
	}
	f.knownList = []knownDevice{{scannerAddr, "Scanner", true}, {adapterAddr, "Screen", false}, {printerAddr, "", true}}
	for _, tt := range []struct {
		command, begun string
		want           []string
	}{
		{"unpair", "", []string{"00:AA:01:00:00:01\tPrinter", "00:AA:01:00:00:02\tScanner"}},
		{"trust", "S", []string{"Scanner\t00:AA:01:00:00:02"}},
		{"pair", "", []string{"00:AA:01:00:00:00\tScreen"}},
		{"pair", "sC", []string{"Screen\t00:AA:01:00:00:00"}},
		{"connect", "s", []string{"Scanner\t00:AA:01:00:00:02", "Screen\t00:AA:01:00:00:00"}},
		{"connect", "p", []string{"Printer\t00:AA:01:00:00:01"}},
	} {
		stdout, _ := f.runs(t, 0, "__complete", tt.command, tt.begun)
		got := strings.Split(strings.TrimSpace(stdout), "\n")
		got = got[:len(got)-1] // without the directive
		slices.Sort(got)
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s %q completes to %q, want %q", tt.command, tt.begun, got, tt.want)
		}
	}
	f.err = errors.New("no Bluetooth")
	stdout, _ := f.runs(t, 0, "__complete", "connect", "-i", "")
	if !strings.HasPrefix(stdout, ":") {
		t.Errorf("without Bluetooth, adapters complete to %q", stdout)
	}
}

// Whatever is completed, no device is asked.
func TestCompletionNeverDials(t *testing.T) {
	f := newFileFake(t)
	f.inRange = found("Printer")
	f.runs(t, 0, "scan")
	f.offerTree(t)
	f.runs(t, 0, "ls", "Printer")
	f.inquiries, f.dialed = nil, nil
	_, all := f.commands(t)
	for _, c := range all {
		lines := [][]string{{""}, {"P"}, {fileDevice + "/"}, {"Printer", ""}, {"absent", "x"}, {fileDevice, "a", "b"}}
		c.Flags().VisitAll(func(flag *pflag.Flag) { lines = append(lines, []string{"Printer", "--" + flag.Name, ""}) })
		for _, words := range lines {
			f.completed(t, append([]string{c.Name()}, words...)...)
		}
	}
	if len(f.inquiries)+len(f.searched)+len(f.dialed)+len(f.servers)+len(f.pairings)+len(f.devices)+len(f.changes) > 0 {
		t.Errorf("completion used Bluetooth: %v, %v, %v, %v", f.inquiries, f.searched, f.dialed, f.servers)
	}
}

func TestCompletionPrintsScripts(t *testing.T) {
	f := newFake(t)
	for shell, part := range map[string]string{"bash": "complete -o default", "zsh": zshBackslashes + zshColons, "fish": "complete -c rfcommctl"} {
		stdout, _ := f.runs(t, 0, "completion", shell)
		wantParts(t, stdout, part)
	}
}
