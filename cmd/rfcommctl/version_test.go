package main

import (
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
)

func TestVersionNamesTheProgram(t *testing.T) {
	f := newFake(t)
	for _, line := range []string{"--version", "scan --version", "connect --version"} {
		stdout, _ := f.runs(t, 0, strings.Fields(line)...)
		if !strings.HasPrefix(stdout, "rfcommctl ") || strings.Count(stdout, "\n") != 1 || !strings.Contains(stdout, " go1.") {
			t.Errorf("%s printed %q", line, stdout)
		}
	}
}

func TestVersionNamesModuleAndCommit(t *testing.T) {
	const revision = "0123456789abcdef0123456789abcdef01234567"
	build := func(version string, settings ...debug.BuildSetting) *debug.BuildInfo {
		return &debug.BuildInfo{Main: debug.Module{Version: version}, Settings: settings}
	}
	of := debug.BuildSetting{Key: "vcs.revision", Value: revision}
	for _, tt := range []struct {
		info *debug.BuildInfo
		want string
	}{
		{build("v1.2.3"), "v1.2.3"}, // go install …@v1.2.3
		{build("v1.2.4-0.20260102030405-0123456789ab", of, debug.BuildSetting{Key: "vcs.modified", Value: "false"}),
			"v1.2.4-0.20260102030405-0123456789ab (commit " + revision + ")"},
		{build("v1.2.4-0.20260102030405-0123456789ab+dirty", of, debug.BuildSetting{Key: "vcs.modified", Value: "true"}),
			"v1.2.4-0.20260102030405-0123456789ab+dirty (commit " + revision + ", modified)"},
		{build("(devel)"), "devel"}, // -buildvcs=false
		{build(""), "devel"},        // a test
		{nil, "(unknown version)"},
	} {
		want := "rfcommctl " + tt.want + " " + runtime.Version() + " " + runtime.GOOS + "/" + runtime.GOARCH
		if got := version(tt.info, tt.info != nil); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
