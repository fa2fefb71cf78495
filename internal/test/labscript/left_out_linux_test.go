package labscript

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestLeftOutByVersion(t *testing.T) {
	const crossed, page, pin = "^TestDialCrossesADialOfThePeer$", "^TestDialNamesAbsentDevice$", "^TestPINLevelAfterEncryption$"
	for version, want := range map[string][]string{
		"6.0.9":    nil,
		"6.1":      {crossed},
		"6.1.9":    {crossed},
		"6.1.176":  {crossed},
		"6.1.177":  {crossed, page},
		"6.1.1000": {crossed, page},
		"6.2":      nil,
		"6.10.1":   nil,
		"6.12.118": nil,
		"6.14.11":  nil,
		"6.15":     {pin},
		"7.2.13":   {pin},
		"7.3.4":    {pin},
	} {
		got := strings.Split(must(t, ". lab/left_out.bash; left_out "+version), "|")
		for _, pattern := range []string{crossed, page, pin} {
			if slices.Contains(got, pattern) != slices.Contains(want, pattern) {
				t.Errorf("%s: got %q, want %q of them", version, got, want)
			}
		}
		if got[0] != "^$" || len(want) == 0 && len(got) != 1 {
			t.Errorf("%s: got %q, want ^$ and %q", version, got, want)
		}
	}
}

// A pattern for a test that does not exist leaves nothing out, without a notice.
func TestLeftOutTestsExist(t *testing.T) {
	entries := strings.Split(must(t, `. lab/left_out.bash; printf '%s\n' "${LEFT_OUT[@]}"`), "\n")
	if len(entries) == 0 {
		t.Error("no entries")
	}
	sources := testSources(t)
	for _, entry := range entries {
		if err := checkEntry(entry, sources); err != nil {
			t.Errorf("%q: %v", entry, err)
		}
	}
}

// checkEntry checks the form of an entry, and that its test and its subtests are
// in one of the sources.
func checkEntry(entry string, sources []string) error {
	fields := strings.Fields(entry)
	version := regexp.MustCompile(`^\d+\.\d+(\.\d+)?$`)
	if len(fields) != 3 || !version.MatchString(fields[0]) || !version.MatchString(fields[1]) {
		return fmt.Errorf("want two versions and a pattern")
	}
	var names []string
	for pattern := range strings.SplitSeq(fields[2], "/") {
		name, ok := strings.CutPrefix(pattern, "^")
		name, anchored := strings.CutSuffix(name, "$")
		if !ok || !anchored || regexp.QuoteMeta(name) != name {
			return fmt.Errorf("%q is not one name between ^ and $", pattern)
		}
		names = append(names, name)
	}
	for _, source := range sources {
		if hasTest(source, names) {
			return nil
		}
	}
	return fmt.Errorf("there is no such test")
}

// hasTest reports whether the source of a package has a test function, and the
// names of its subtests as strings. Package testing writes a space as _.
func hasTest(source string, names []string) bool {
	if !strings.Contains(source, "\nfunc "+names[0]+"(") {
		return false
	}
	for _, name := range names[1:] {
		quoted := `"` + strings.ReplaceAll(regexp.QuoteMeta(name), "_", "[ _]") + `"`
		if !regexp.MustCompile(quoted).MatchString(source) {
			return false
		}
	}
	return true
}

// testSources returns the text of all test files of each package.
func testSources(t *testing.T) []string {
	t.Helper()
	packages := map[string]string{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		packages[filepath.Dir(path)] += string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	var sources []string
	for _, source := range packages {
		sources = append(sources, source)
	}
	return sources
}

func TestCheckEntryReportsMistakes(t *testing.T) {
	sources := []string{"package a\n\nfunc TestDial(t *testing.T) {\n\tt.Run(\"page timeout\", f)\n}\n", "\nfunc TestRead(t"}
	for entry, want := range map[string]bool{
		"6.1 6.2 ^TestDial$":                 true,
		"6.1     6.1.8 ^TestRead$":           true,
		"6.1 6.2 ^TestDial$/^page_timeout$":  true,
		"6.1 6.2 ^TestRead$/^page_timeout$":  false,
		"6.1 6.2 ^TestDial$/^page_timeouts$": false,
		"6.1 6.2 ^TestDials$":                false,
		"6.1 6.2 TestDial":                   false,
		"6.1 6.2 ^(TestDial|TestRead)$":      false,
		"6.1 ^TestDial$":                     false,
		"6.1.x 6.2 ^TestDial$":               false,
	} {
		if err := checkEntry(entry, sources); (err == nil) != want {
			t.Errorf("%q: got %v, want success: %v", entry, err, want)
		}
	}
}
