package deptest

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

// namingFiles are the files that name tests: to run or to skip them, or as the
// source of a statement. The lab does not notice a name without a test.
var namingFiles = []string{
	".ci/run", "lab/test", "lab/faults", "lab/bench", "lab/run", "lab/*.bash", "*.md", "lab/*.md", "docs/*.md", "integration/*/*.md",
}

// testName matches the name of a test function, and the "…", or the end of an
// unanchored pattern of lab/test, that makes it the beginning of names.
var testName = regexp.MustCompile(`\b((?:Test|Benchmark|Fuzz)[A-Z]\w*)(…|')?`)

func TestNamedTestsExist(t *testing.T) {
	root := moduleRoot(t)
	tests := testFunctions(t, root)
	named := 0
	for _, pattern := range namingFiles {
		paths, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(pattern)))
		if err != nil || len(paths) == 0 {
			t.Errorf("no file %s: %v", pattern, err)
		}
		for _, path := range paths {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			named += len(testName.FindAll(text, -1))
			for _, line := range missingTests(string(text), tests) {
				t.Errorf("%s: %s", path, line)
			}
		}
	}
	if named < 50 {
		t.Errorf("found only %d names of tests", named)
	}
}

// missingTests returns a line for each name in a text that no test has.
func missingTests(text string, tests []string) (missing []string) {
	for _, match := range testName.FindAllStringSubmatch(text, -1) {
		name, prefix := match[1], match[2] != ""
		exists := func(test string) bool { return test == name || prefix && strings.HasPrefix(test, name) }
		if !slices.ContainsFunc(tests, exists) {
			missing = append(missing, fmt.Sprintf("there is no test %s", name))
		}
	}
	return missing
}

// testFunctions returns the names of the test functions of the module, for all
// platforms and build tags.
func testFunctions(t *testing.T, root string) (tests []string) {
	t.Helper()
	function := regexp.MustCompile(`(?m)^func ((?:Test|Benchmark|Fuzz)\w+)\(`)
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, match := range function.FindAllStringSubmatch(string(text), -1) {
			tests = append(tests, match[1])
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return tests
}

func TestMissingTestsReportsUnknownNames(t *testing.T) {
	tests := []string{"TestDialFails", "TestRFCOMMGet", "BenchmarkRead"}
	for text, want := range map[string]int{
		"^(TestDialFails|TestDialWorks)$":         1,
		"`TestDialFails/plain`, `BenchmarkRead`":  0,
		"`TestDial`":                              1,
		"'^TestRFCOMM'":                           0,
		"`TestRFCOMM…`":                           0,
		"'^TestSDP'":                              1,
		"a Test, Testing, TestMain's, LatestTest": 1,
	} {
		if got := missingTests(text, tests); len(got) != want {
			t.Errorf("missingTests(%q) returned %q, want %d lines", text, got, want)
		}
	}
}
