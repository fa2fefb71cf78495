package main

import (
	"fmt"
	"os"
	"time"

	"github.com/go-rfcomm/rfcomm/filetransfer"
)

// A transfer is a file to get or to put, or a directory to create for the files
// after it.
type transfer struct {
	name      string // on the server
	local     string // on this machine
	size      int64  // or -1 if unknown
	directory bool
}

// filesOf returns the number of files in a list, and of their bytes, or 0 if that
// is unknown.
func filesOf(list []transfer) (files int, bytes int64) {
	known := true
	for _, x := range list {
		if !x.directory {
			files++
			bytes += max(x.size, 0)
			known = known && x.size >= 0
		}
	}
	if !known {
		return files, 0
	}
	return files, bytes
}

// transferAll calls do for each file, and creates the directories. The line shows
// the place of each file. An error of one file does not end it, if there are
// several.
func (f *fileClient) transferAll(list []transfer, do func(transfer) error) error {
	files, total := filesOf(list)
	count := files + f.failed // with those that are not in the list
	place, began := batch{count: files, total: total}, time.Now()
	for _, x := range list {
		var err error
		if x.directory {
			err = makeDirectory(x.local)
		} else {
			place.index++
			f.line.next(place)
			place.done += max(x.size, 0)
			err = f.settle(do(x), count == 1)
		}
		if err != nil {
			f.reportRest(count)
			return err
		}
	}
	f.summarize(count, time.Since(began))
	return f.result(count, "files")
}

// makeDirectory creates a directory, unless it is there.
func makeDirectory(local string) error {
	if err := os.Mkdir(local, 0o777); err != nil && !isDirectory(local) {
		return err
	}
	return nil
}

// complete counts a file that the other side has got, unless there was an error.
func (f *fileClient) complete(info filetransfer.Info, err error) {
	if err != nil {
		return
	}
	f.files++
	if info.Present {
		f.present++
	} else {
		f.moved += max(info.Size, 0)
	}
}

// reportRest prints how many of several files are complete.
func (f *fileClient) reportRest(count int) {
	if count > 1 {
		f.t.warn("%d of %d files are complete; the same command continues with the others", f.files, count)
	}
}

// summarize prints the number and size of several files that are complete.
func (f *fileClient) summarize(count int, took time.Duration) {
	if count <= 1 || f.files == 0 {
		return
	}
	text := fmt.Sprintf("%d of %d files, %s in %s", f.files, count, bytesText(f.moved), durationText(max(took, time.Millisecond)))
	if took > 0 && f.moved > 0 {
		text += ", " + rateText(float64(f.moved)/took.Seconds())
	}
	if f.present > 0 {
		text += fmt.Sprintf(" (there already: %d)", f.present)
	}
	f.t.note("%s", text)
}
