package filetransfer_test

import (
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-rfcomm/rfcomm/filetransfer"
)

// A progressLog keeps the reports of transfers and their times.
type progressLog struct {
	mu      sync.Mutex
	reports []filetransfer.Progress
	times   []time.Time
}

func (w *progressLog) record(p filetransfer.Progress) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.reports = append(w.reports, p)
	w.times = append(w.times, time.Now())
}

// wantReports checks the reports of one transfer, which began at byte from and
// ended at byte done of total.
func (w *progressLog) wantReports(t testing.TB, name string, from, done, total int64) {
	t.Helper()
	if len(w.reports) == 0 {
		t.Error("there are no reports")
		return
	}
	at := filetransfer.Progress{Done: from}
	for i, p := range w.reports {
		last := i == len(w.reports)-1
		if !last && i > 0 && w.times[i].Sub(w.times[i-1]) < 100*time.Millisecond {
			t.Errorf("report %d comes %v after the one before", i, w.times[i].Sub(w.times[i-1]))
		}
		if p.Name != name || p.Done < at.Done || p.Elapsed < at.Elapsed {
			t.Errorf("report %d is %+v after %+v", i, p, at)
		}
		if p.Total != total && !(last && p.Total == p.Done) {
			t.Errorf("report %d has total %d, want %d", i, p.Total, total)
		}
		rate, remaining := 0.0, time.Duration(-1)
		if p.Elapsed > 0 {
			rate = float64(p.Done-from) / p.Elapsed.Seconds()
		}
		if p.Total >= 0 && rate > 0 {
			remaining = time.Duration(float64(p.Total-p.Done) / rate * float64(time.Second))
		}
		if p.Done == p.Total {
			remaining = 0
		}
		if p.Rate != rate || p.Remaining != remaining {
			t.Errorf("report %d is %+v, want rate %v and remaining %v", i, p, rate, remaining)
		}
		at = p
	}
	if at.Done != done {
		t.Errorf("the last report is %+v, want %d done", at, done)
	}
}

// The pace is 100 KiB per second, so that 300 KiB take 3 s.
const (
	pace     = 10 * time.Millisecond
	paceSize = 300 << 10
)

// A slowTransfer is a transfer of 300 KiB at that pace.
type slowTransfer struct {
	content        string
	client, server progressLog
	c              *filetransfer.Client
	s              service
	uploads        *os.Root
}

// newSlowTransfer returns a connection with a slow reader.
func newSlowTransfer(t *testing.T, toServer bool) *slowTransfer {
	t.Helper()
	w := &slowTransfer{content: random(paceSize), uploads: newDir(t, nil)}
	client, server := net.Pipe()
	if toServer {
		server = newSlowConn(t, server, 1<<10, pace)
	} else {
		client = newSlowConn(t, client, 1<<10, pace)
	}
	files := newDir(t, map[string]string{"file": w.content, "empty": ""})
	w.s = serveOn(t, &filetransfer.Server{FS: files.FS(), Uploads: filetransfer.NewDir(w.uploads), Progress: w.server.record}, client, server)
	w.c = filetransfer.NewClient(client)
	w.c.Progress = w.client.record
	return w
}

// finish ends the transfer after all reports.
func (w *slowTransfer) finish(t *testing.T) {
	t.Helper()
	w.c.Close()
	<-w.s.err
	synctest.Wait()
}

func TestProgressOfGet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSlowTransfer(t, false)
		if _, err := w.c.Get(t.Context(), "file", io.Discard); err != nil {
			t.Fatal(err)
		}
		w.finish(t)
		for _, side := range []*progressLog{&w.client, &w.server} {
			side.wantReports(t, "file", 0, paceSize, paceSize)
			// About one report per 100 ms, because a chunk takes 320 ms.
			if n := len(side.reports); n < 9 || n > 31 {
				t.Errorf("there are %d reports", n)
			}
		}
	})
}

func TestProgressOfPut(t *testing.T) {
	for _, size := range []int64{paceSize, -1} {
		synctest.Test(t, func(t *testing.T) {
			w := newSlowTransfer(t, true)
			if err := doPut(t.Context(), w.c, "new", strings.NewReader(w.content), filetransfer.Info{Size: size}); err != nil {
				t.Fatal(err)
			}
			w.finish(t)
			for _, side := range []*progressLog{&w.client, &w.server} {
				side.wantReports(t, "new", 0, paceSize, size)
				if n := len(side.reports); n < 9 || n > 31 {
					t.Errorf("there are %d reports", n)
				}
			}
		})
	}
}

func TestProgressAtMostTenTimesPerSecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSlowTransfer(t, true)
		// Small pieces arrive more often than reports.
		if err := doPut(t.Context(), w.c, "new", byPieces{strings.NewReader(w.content)}, filetransfer.Info{Size: paceSize}); err != nil {
			t.Fatal(err)
		}
		w.finish(t)
		for _, side := range []*progressLog{&w.client, &w.server} {
			side.wantReports(t, "new", 0, paceSize, paceSize)
			last := side.reports[len(side.reports)-1]
			if n := len(side.reports); n < 20 || n > int(last.Elapsed/(100*time.Millisecond))+1 {
				t.Errorf("there are %d reports in %v", n, last.Elapsed)
			}
		}
	})
}

// byPieces is a reader that returns small pieces.
type byPieces struct{ io.Reader }

func (r byPieces) Read(p []byte) (int, error) { return r.Reader.Read(p[:min(len(p), 500)]) }

func TestProgressOfResumedTransfer(t *testing.T) {
	const there = 200 << 10
	t.Run("download", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := newSlowTransfer(t, false)
			local := filepath.Join(t.TempDir(), "local")
			writeFile(t, local+".part", w.content[:there])
			if _, err := w.c.Download(t.Context(), "file", local); err != nil {
				t.Fatal(err)
			}
			w.finish(t)
			w.client.wantReports(t, "file", there, paceSize, paceSize)
			w.server.wantReports(t, "file", there, paceSize, paceSize)
		})
	})
	t.Run("upload", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := newSlowTransfer(t, true)
			local := filepath.Join(t.TempDir(), "local")
			writeFile(t, local, w.content)
			writeFile(t, filepath.Join(w.uploads.Name(), "new.part"), w.content[:there])
			if err := doUpload(t.Context(), w.c, local, "new"); err != nil {
				t.Fatal(err)
			}
			w.finish(t)
			w.client.wantReports(t, "new", there, paceSize, paceSize)
			w.server.wantReports(t, "new", there, paceSize, paceSize)
		})
	})
	t.Run("download of all", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := newSlowTransfer(t, false)
			local := filepath.Join(t.TempDir(), "local")
			writeFile(t, local+".part", w.content)
			if _, err := w.c.Download(t.Context(), "file", local); err != nil {
				t.Fatal(err)
			}
			w.finish(t)
			w.client.wantReports(t, "file", paceSize, paceSize, paceSize)
			w.server.wantReports(t, "file", paceSize, paceSize, paceSize)
			if len(w.client.reports) != 1 || len(w.server.reports) != 1 {
				t.Errorf("there are %+v and %+v", w.client.reports, w.server.reports)
			}
		})
	})
	t.Run("download of what has changed", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := newSlowTransfer(t, false)
			local := filepath.Join(t.TempDir(), "local")
			writeFile(t, local+".part", strings.Repeat("x", there))
			if _, err := w.c.Download(t.Context(), "file", local); err != nil {
				t.Fatal(err)
			}
			w.finish(t)
			w.client.wantReports(t, "file", 0, paceSize, paceSize)
			w.server.wantReports(t, "file", 0, paceSize, paceSize)
		})
	})
}

func TestProgressOfPlainGet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSlowTransfer(t, false)
		w.c.Plain = true
		if _, err := w.c.Get(t.Context(), "file", io.Discard); err != nil {
			t.Fatal(err)
		}
		w.finish(t)
		w.server.wantReports(t, "file", 0, paceSize, paceSize)
		w.client.wantReports(t, "file", 0, paceSize, -1)
		if n := len(w.client.reports); n < 9 || n > 31 {
			t.Errorf("there are %d reports", n)
		}
	})
}

func TestProgressOfEmptyFileIsOneReport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSlowTransfer(t, false)
		if _, err := w.c.Get(t.Context(), "empty", io.Discard); err != nil {
			t.Fatal(err)
		}
		w.finish(t)
		for _, side := range []*progressLog{&w.client, &w.server} {
			if len(side.reports) != 1 || side.reports[0].Done != 0 || side.reports[0].Total != 0 || side.reports[0].Remaining != 0 {
				t.Errorf("the reports are %+v", side.reports)
			}
		}
	})
}

func TestProgressReportsEndOfFailedTransfer(t *testing.T) {
	broken := errors.New("broken")
	t.Run("get", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := newSlowTransfer(t, false)
			_, err := w.c.Get(t.Context(), "file", &failing{100 << 10, broken})
			wantError(t, err, broken)
			w.finish(t)
			for _, side := range []*progressLog{&w.client, &w.server} {
				last := side.reports[len(side.reports)-1]
				if last.Done < 60<<10 || last.Done > 200<<10 {
					t.Errorf("the last report is %+v", last)
				}
				side.wantReports(t, "file", 0, last.Done, paceSize)
			}
		})
	})
	t.Run("put", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := newSlowTransfer(t, true)
			r := io.MultiReader(strings.NewReader(w.content[:100<<10]), errorReader{broken})
			wantError(t, doPut(t.Context(), w.c, "new", r, filetransfer.Info{Size: paceSize}), broken)
			w.finish(t)
			w.client.wantReports(t, "new", 0, 100<<10, paceSize)
			w.server.wantReports(t, "new", 0, 100<<10, paceSize)
		})
	})
}

func TestProgressIgnoresStatAndList(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSlowTransfer(t, false)
		w.c.Stat(t.Context(), "file")
		w.c.List(t.Context(), ".")
		w.c.Get(t.Context(), "missing", io.Discard)
		w.c.Get(t.Context(), "../file", io.Discard)
		doPut(t.Context(), w.c, "missing/new", strings.NewReader(""), filetransfer.Info{})
		w.c.Download(t.Context(), "missing", filepath.Join(t.TempDir(), "local"))
		w.finish(t)
		if len(w.client.reports)+len(w.server.reports) > 0 {
			t.Errorf("there are %+v and %+v", w.client.reports, w.server.reports)
		}
	})
}

func TestProgressOfHugeSizeIsNotNegative(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var reports []filetransfer.Progress
		c := filetransfer.NewClient(rawServer(t, withPrompt(func(p *rawPeer) {
			p.readWord("get")
			p.send(message("ok", fmt.Sprint("Size: ", int64(math.MaxInt64))))
			for range 20 {
				p.send(chunk("hello"))
				time.Sleep(time.Second)
			}
		})))
		defer c.Close()
		c.Progress = func(p filetransfer.Progress) { reports = append(reports, p) }
		if _, err := c.Get(t.Context(), "a.txt", io.Discard); err == nil {
			t.Error("there is no error")
		}
		if len(reports) < 20 {
			t.Errorf("there are %d reports", len(reports))
		}
		for _, p := range reports {
			if p.Remaining != -1 { // longer than the maximum Duration
				t.Errorf("the report is %+v", p)
			}
		}
	})
}
