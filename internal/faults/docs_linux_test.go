package faults

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
)

// docs is where lab/faults writes the table, as seen from this package and, for a
// binary that the lab runs, from the module's root.
var docs = []string{"../../docs/faults.md", "docs/faults.md"}

func TestDocsSayWhatIsPlanned(t *testing.T) {
	content, err := os.ReadFile(docs[0])
	if errors.Is(err, os.ErrNotExist) {
		content, err = os.ReadFile(docs[1])
	}
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for line := range strings.Lines(string(content)) {
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
				if p := a.plans[f]; !p.says(strings.Split(strings.TrimSpace(line), " |")) {
					t.Errorf("lab/faults writes another row than this one now, which is planned to be %+v: %s", p, line)
				}
			}
			if found != 1 {
				t.Errorf("%d rows for %s; lab/faults writes them", found, head(a, f))
			}
		}
	}
}

// says reports whether the cells of a row may be those of the plan.
func (p plan) says(cells []string) bool {
	if len(cells) != 6 { // the last one is empty
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
	return slices.Contains(p.want, result) && (p.when == "" && when != "" || when == p.when) && note == p.note
}
