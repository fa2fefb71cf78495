package faults

import (
	"errors"
	"os"
	"strings"
	"testing"
)

// docs is where lab/faults writes the table, as seen from this package and, for a
// binary that the lab runs, from the module's root.
var docs = []string{"../../docs/faults.md", "docs/faults.md"}

func TestDocsHaveARowForEveryCell(t *testing.T) {
	content, err := os.ReadFile(docs[0])
	if errors.Is(err, os.ErrNotExist) {
		content, err = os.ReadFile(docs[1])
	}
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(content), "\n")
	for _, a := range activities {
		for _, f := range faults {
			found := 0
			for _, line := range lines {
				if !strings.HasPrefix(line, head(a, f)) {
					continue
				}
				found++
				if strings.Contains(line, "| not played |") {
					t.Errorf("%s was not played: lab/faults plays all cells", head(a, f))
				}
				if p := a.plans[f]; p.never != "" && !strings.Contains(line, p.never) {
					t.Errorf("%s does not say that it cannot occur because %s", head(a, f), p.never)
				}
			}
			if found != 1 {
				t.Errorf("%d rows for %s; lab/faults writes them", found, head(a, f))
			}
		}
	}
}
