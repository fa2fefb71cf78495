package deptest

import (
	"slices"
	"testing"
)

func TestCheckReportsBrokenRules(t *testing.T) {
	packages := []Package{
		{Path: "example.org/m", Imports: []string{"fmt", "golang.org/x/sys/unix", "example.org/m/internal/core"}, Tests: []string{"example.com/cmp"}},
		{Path: "example.org/m/internal/core", Imports: []string{"os", "example.org/m/internal/deep"}},
		{Path: "example.org/m/internal/deep", Imports: []string{"example.com/other/v2"}},
		{Path: "example.org/m/bus", Imports: []string{"example.com/bus", "example.org/m"}},
		{Path: "example.org/m/command", Imports: []string{"example.com/bus/names", "example.org/m/bus"}},
	}
	for name, tt := range map[string]struct {
		rule Rule
		want []string
	}{
		"an import": {
			Rule{From: []string{"./internal/..."}, To: []string{"os"}},
			[]string{"example.org/m/internal/core imports os: "},
		},
		"an import of an import": {
			Rule{From: []string{"."}, To: []string{External}, Beside: []string{"golang.org/x/sys/..."}, Indirect: true},
			[]string{"example.org/m imports example.com/other/v2: "},
		},
		"an import of an import, which the rule is not for": {
			Rule{From: []string{"."}, To: []string{External}, Beside: []string{"golang.org/x/sys/..."}}, nil,
		},
		"an import of a test": {
			Rule{From: []string{"./..."}, To: []string{"example.com/cmp"}, Tests: true},
			[]string{"example.org/m imports example.com/cmp: "},
		},
		"an import of a test, which the rule is not for": {
			Rule{From: []string{"./..."}, To: []string{"example.com/cmp"}}, nil,
		},
		"a package other than the one that may": {
			Rule{From: []string{"./..."}, Except: []string{"./bus"}, To: []string{"example.com/bus/..."}},
			[]string{"example.org/m/command imports example.com/bus/names: "},
		},
		"a package of the module is not external": {
			Rule{From: []string{"./command"}, To: []string{External}},
			[]string{"example.org/m/command imports example.com/bus/names: "},
		},
		"a wildcard in the middle": {
			Rule{From: []string{"."}, To: []string{"./.../core"}},
			[]string{"example.org/m imports example.org/m/internal/core: "},
		},
		"a prefix is not a path": {
			Rule{From: []string{"./..."}, To: []string{"golang.org/x/s/...", "example.org/m/b", "o"}, Tests: true}, nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Check("example.org/m", packages, []Rule{tt.rule}); !slices.Equal(got, tt.want) {
				t.Errorf("Check returned %q, want %q", got, tt.want)
			}
		})
	}
}
