package main

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// benchmarks returns the document with the measured tables.
func benchmarks(t *testing.T) string {
	t.Helper()
	document, err := os.ReadFile(filepath.Join("..", source))
	if err != nil {
		t.Fatal(err)
	}
	return string(document)
}

func TestFiguresMatchCommittedFiles(t *testing.T) {
	document := benchmarks(t)
	for name, draw := range figures {
		want, err := os.ReadFile(filepath.Join("..", name))
		if err != nil {
			t.Fatal(err)
		}
		got, err := draw(document)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("docs/%s differs from the picture of the tables; run go run ./docs/figures", name)
		}
	}
}

func TestFiguresAreEmbedded(t *testing.T) {
	var pages strings.Builder
	for _, name := range []string{"benchmarks.md", "design.md"} {
		page, err := os.ReadFile(filepath.Join("..", name))
		if err != nil {
			t.Fatal(err)
		}
		pages.Write(page)
	}
	for name := range figures {
		if !strings.Contains(pages.String(), "]("+name+")") {
			t.Errorf("no page embeds %s", name)
		}
	}
}

func TestFiguresAreAccessible(t *testing.T) {
	for name, draw := range figures {
		picture, err := draw(benchmarks(t))
		if err != nil {
			t.Fatal(err)
		}
		elements := map[string]int{}
		for decoder := xml.NewDecoder(bytes.NewReader(picture)); ; {
			token, err := decoder.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			element, ok := token.(xml.StartElement)
			if !ok {
				continue
			}
			elements[element.Name.Local]++
			checkAttributes(t, name, element)
		}
		if elements["title"] != 1 || elements["desc"] != 1 || elements["text"] == 0 {
			t.Errorf("%s: want one title, one description and text; got %v", name, elements)
		}
	}
}

// checkAttributes checks that an element refers to nothing outside of the
// picture, and that the style sheet has its classes.
func checkAttributes(t *testing.T, name string, element xml.StartElement) {
	t.Helper()
	for _, attribute := range element.Attr {
		switch attribute.Name.Local {
		case "href", "src":
			t.Errorf("%s: <%s> refers to %s", name, element.Name.Local, attribute.Value)
		case "class":
			for class := range strings.FieldsSeq(attribute.Value) {
				if !strings.Contains(style, "."+class+" ") {
					t.Errorf("%s: no class %q in the style sheet", name, class)
				}
			}
		}
	}
}

func TestThroughputTablesAgree(t *testing.T) {
	curves := mustFind(t, airHeading)
	rows := mustFind(t, "Payload rate with time on the air")
	rows.rows = slices.DeleteFunc(rows.rows, func(row []string) bool { return row[0] != "3-DH5" })
	for _, column := range []string{thisLibrary, rawCalls} {
		want, err := rows.rates(column + ", kbit/s")
		if err != nil {
			t.Fatal(err)
		}
		got, err := curves.rates(column)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range want {
			if rate, err := rateOf(got, m.size); err != nil || !near(rate, m.rate/8) {
				t.Errorf("%s, writes of %d bytes: %v kB/s in one table, %v kbit/s in the other; %v", column, m.size, rate, m.rate, err)
			}
		}
	}
}

func TestRatesOfRctestMatchRawCalls(t *testing.T) {
	curves := mustFind(t, airHeading)
	other, err := curves.rates(rctest)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := curves.rates(rawCalls)
	if err != nil {
		t.Fatal(err)
	}
	for i, m := range other {
		if m.measured() && !near(m.rate, raw[i].rate) {
			t.Errorf("writes of %d bytes: rctest %v, raw system calls %v; the picture calls them the same", m.size, m.rate, raw[i].rate)
		}
	}
}

func TestSlotsMatchMeasuredRates(t *testing.T) {
	curves := mustFind(t, airHeading)
	raw, err := curves.rates(rawCalls)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range raw {
		if m.size > chunk+4 { // several frames
			continue
		}
		slots, packets := slots(m.size)
		if want := float64(m.size) / (float64(slots+packets) * slotTime); !near(m.rate, want) {
			t.Errorf("writes of %d bytes: %v kB/s measured, %v by %d slots and %d replies", m.size, m.rate, want, slots, packets)
		}
	}
}

func TestChunksMatchMeasuredRate(t *testing.T) {
	total := 0
	for _, length := range chunks() {
		slots, packets := slots(length)
		total += slots + packets
	}
	ours, err := mustFind(t, airHeading).rates(thisLibrary)
	if err != nil {
		t.Fatal(err)
	}
	want := writeSize / (float64(total) * slotTime)
	if rate, err := rateOf(ours, writeSize); err != nil || !near(rate, want) {
		t.Errorf("%v kB/s measured, %v by %d slots; %v", rate, want, total, err)
	}
}

func TestFindTableReportsMissingTables(t *testing.T) {
	for document, want := range map[string]string{
		"# A\n\n| a |\n| - |\n| 1 |\n":                   `no heading "B"`,
		"\n### B\n\nNothing.\n\n### C\n\n| c |\n| 1 |\n": `no table below the heading "B"`,
	} {
		if _, err := findTable(document, "B"); err == nil || err.Error() != want {
			t.Errorf("%q: got %v, want %s", document, err, want)
		}
	}
}

func TestRatesKeepWords(t *testing.T) {
	found, err := findTable("\n### B\n\n| bytes in a write | a |\n| --- | --: |\n| 64 | 1.5 |\n| 128 | hangs |\n| 192 | 2.25 (1.75–3.5) |\n\n| 256 | 2 |\n", "B")
	if err != nil {
		t.Fatal(err)
	}
	got, err := found.rates("a")
	if want := []measurement{{64, 1.5, ""}, {128, 0, "hangs"}, {192, 2.25, ""}}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v; want %v", got, err, want)
	}
	if _, err := found.rates("b"); err == nil {
		t.Error("no error for a column that is not there")
	}
	if _, err := rateOf(got, 128); err == nil {
		t.Error("no error for a size without a rate")
	}
}

func TestWriteDrawsAllFigures(t *testing.T) {
	directory := t.TempDir()
	if err := write(directory); err == nil || !strings.Contains(err.Error(), "root of the module") {
		t.Errorf("without tables: got %v", err)
	}
	if err := os.WriteFile(filepath.Join(directory, source), []byte(benchmarks(t)), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := write(directory); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(directory)
	if err != nil || len(entries) != 1+len(figures) {
		t.Errorf("got %d files, %v; want %d", len(entries), err, 1+len(figures))
	}
}

// mustFind returns a table of the committed document.
func mustFind(t *testing.T, heading string) table {
	t.Helper()
	found, err := findTable(benchmarks(t), heading)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// near reports whether two rates differ by less than a hundredth: the replies
// of the last credits may or may not fall into a burst.
func near(a, b float64) bool { return math.Abs(a-b) < 0.01*b }
