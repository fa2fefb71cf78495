package faults

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// docs is the file to which lab/faults writes the table: its path from this
// directory and, for a binary that the lab runs, from the module's root.
var docs = []string{"../../docs/faults.md", "docs/faults.md"}

// beyond is the hand-written end of that file: faults that cannot be tested in
// a row with others, for example because the kernel crashes.
var beyond = []string{"beyond.md", "integration/faults/beyond.md"}

// readFirst returns the content of the first file that exists.
func readFirst(t *testing.T, paths []string) string {
	t.Helper()
	for _, path := range paths {
		content, err := os.ReadFile(path)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		return string(content)
	}
	t.Fatalf("none of %v exists", paths)
	return ""
}

func TestFaultsDocMatchesPlans(t *testing.T) {
	table, ok := strings.CutSuffix(readFirst(t, docs), readFirst(t, beyond))
	if !ok {
		t.Errorf("%s does not end with %s; run lab/faults", docs[1], beyond[1])
	}
	if want := fmt.Sprintf("%q is less than %.0f s", "At once", atOnce.Seconds()); !strings.Contains(table, want) {
		t.Errorf("%s does not say that %s; run lab/faults", docs[1], want)
	}
	var lines []string
	for line := range strings.Lines(table) {
		if strings.HasPrefix(line, "| ") {
			lines = append(lines, line)
		}
	}
	if want := 2 + len(activities)*len(faults); len(lines) != want {
		t.Errorf("the table has %d lines, want %d", len(lines), want)
	}
	for _, a := range activities {
		for _, f := range faults {
			found := 0
			for _, line := range lines {
				if !strings.HasPrefix(line, head(a, f)) {
					continue
				}
				found++
				if p := a.plans[f]; !p.allows(strings.Split(strings.TrimSpace(line), " |")) {
					t.Errorf("a row differs from the plan %+v; run lab/faults: %s", p, line)
				}
			}
			if found != 1 {
				t.Errorf("%d rows for %s, want 1; run lab/faults", found, head(a, f))
			}
		}
	}
}

// allows reports whether the plan allows the cells of a row.
func (p plan) allows(cells []string) bool {
	if len(cells) != 6 { // with an empty one at the end
		return false
	}
	for i := range cells {
		cells[i] = strings.TrimSpace(strings.TrimPrefix(cells[i], "|"))
	}
	seen, when, note := cells[2], cells[3], cells[4]
	if p.never != "" {
		return seen == "cannot occur" && when == "" && note == p.never
	}
	result, _, _ := strings.Cut(seen, ":")
	return slices.Contains(p.want, result) && p.allowsTime(when) && note == p.note
}

// allowsTime reports whether the plan allows the table's time of a row.
func (p plan) allowsTime(when string) bool {
	switch {
	case p.when != "":
		return when == p.when
	case p.within != 0:
		return when != ""
	}
	return when == span(0)
}
