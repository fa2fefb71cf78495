package faults

import (
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"
)

// A row is one line of the table.
type row struct {
	*activity
	*fault
	plan
	ran  bool
	took time.Duration
	err  error
}

// The lines before and after the table, by which lab/faults finds it.
const (
	tableBegins = "--- table ---"
	tableEnds   = "--- end of the table ---"
)

// head returns the beginning of a row, which identifies it.
func head(a *activity, f *fault) string { return fmt.Sprintf("| %s | %s |", a.name, f.name) }

func printTable(w io.Writer, rows []row) {
	fmt.Fprintln(w, tableBegins)
	fmt.Fprintln(w, "| activity | fault | what the program sees | when | note |")
	fmt.Fprintln(w, "| --- | --- | --- | --- | --- |")
	for _, r := range rows {
		fmt.Fprintf(w, "%s %s | %s | %s |\n", head(r.activity, r.fault), r.seen(), r.timing(), r.remark())
	}
	fmt.Fprintln(w, tableEnds)
}

// seen returns the program's result.
func (r row) seen() string {
	switch {
	case r.never != "":
		return "cannot occur"
	case !r.ran:
		return "not run"
	case r.err == nil:
		return success
	}
	return fmt.Sprintf("%s: `%s`", resultOf(r.err), anonymous(r.err.Error()))
}

// ends matches the addresses of a connection in the text of an error.
var ends = regexp.MustCompile(`rfcomm \[[0-9A-F:]{17}\](:\d+)?(->\[[0-9A-F:]{17}\]:\d+)?`)

// anonymous replaces the addresses and timeouts of the test in the
// text of an error.
func anonymous(text string) string {
	text = strings.NewReplacer("\n", " ", "for "+idleTimeout.String(), "for 30s").Replace(text)
	return strings.NewReplacer("|", "/", "`", "'").Replace(ends.ReplaceAllString(text, "rfcomm …"))
}

// timing returns the time until the result.
func (r row) timing() string {
	switch {
	case !r.ran:
		return ""
	case r.when != "":
		return r.when
	}
	return span(r.took)
}

// span returns a range that contains d. Times within it depend on the machine.
func span(d time.Duration) string {
	if d < atOnce {
		return "at once"
	}
	limits := []int{int(atOnce.Seconds()), 5, 10, 20, 25, 30, 35, 40, 45, 50, 60, 90, 120}
	for i, limit := range limits[1:] {
		if d < time.Duration(limit)*time.Second {
			return fmt.Sprintf("%d–%d s", limits[i], limit)
		}
	}
	return "minutes"
}

// remark returns the note of the row.
func (r row) remark() string {
	if r.never != "" {
		return r.never
	}
	if !r.ran {
		return "takes more than 10 s: only with -long"
	}
	return r.note
}
