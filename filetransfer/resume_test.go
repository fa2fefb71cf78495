package filetransfer_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-rfcomm/rfcomm/filetransfer"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

// resuming are the transfers that resume from a part.
var resuming = []job{framedTransfers[1], framedTransfers[4]}

// resume runs a job without a fault and returns the number of bytes carried:
// the content, plus blocks and lengths of chunks.
func (j job) resume(t testing.TB, p *place) (carried int) {
	t.Helper()
	c := newCable(nil, net.Pipe)
	if err, serverErr := j.run(t, t.Context(), c, p); err != nil || serverErr != nil {
		t.Errorf("%v, and for the server %v", err, serverErr)
	}
	wantFiles(t, p.toDir, "file")
	return c.bytes(j.data)
}

// leavePart creates a part file.
func (p *place) leavePart(t testing.TB, content string) {
	t.Helper()
	writeFile(t, filepath.Join(p.toDir, "file.part"), content)
}

func TestDownloadAndUploadSendOnlyTheRest(t *testing.T) {
	content := random(100 << 10)
	other := random(100<<10 + 1)
	all := len(content)
	for name, tt := range map[string]struct {
		part string
		left int // bytes to transfer
	}{
		"nothing":                       {"", all},
		"one byte":                      {content[:1], all - 1},
		"half":                          {content[:all/2], all / 2},
		"all but one byte":              {content[:all-1], 1},
		"all":                           {content, 0},
		"all and one byte":              {content + "x", all},
		"all and more":                  {content + content, all},
		"of another file":               {other[:all/2], all},
		"of another file, longer":       {other, all},
		"of another file, as long":      {other[:all], all},
		"of another file, in one bit":   {content[:all/2-1] + string(content[all/2-1]^1), all},
		"of another file, in its first": {string(content[0]^1) + content[1:all/2], all},
	} {
		for _, j := range resuming {
			t.Run(j.name+"/"+name, func(t *testing.T) {
				p := newPlace(t, content)
				synctest.Test(t, func(t *testing.T) {
					p.leavePart(t, tt.part)
					if carried := j.resume(t, p); carried < tt.left || carried > tt.left+blocksSize {
						t.Errorf("%d bytes were carried, where %d were missing", carried, tt.left)
					}
				})
			})
		}
	}
}

func TestClientReplacesPartByEmptyFile(t *testing.T) {
	for _, j := range resuming {
		t.Run(j.name, func(t *testing.T) {
			p := newPlace(t, "")
			synctest.Test(t, func(t *testing.T) {
				p.leavePart(t, "something")
				j.resume(t, p)
			})
		})
	}
}

func TestClientRestartsIfFileChanged(t *testing.T) {
	content := random(100 << 10)
	other := random(100<<10 + 1)
	for name, tt := range map[string]struct {
		changed string
		again   bool // whether the whole file must be transferred
	}{
		"into another one":  {other, true},
		"as long as before": {other[:len(content)], true},
		"shorter":           {content[:len(content)/4], true},
		"longer":            {content + other, false},
		"empty":             {"", true},
		"only at its end":   {content[:len(content)*3/4] + other, false},
	} {
		for _, j := range resuming {
			t.Run(j.name+"/"+name, func(t *testing.T) {
				p := newPlace(t, content)
				total := j.measure(t, p)
				synctest.Test(t, func(t *testing.T) {
					c := newCable(&fault{to: j.data, after: total[j.data] / 2, err: endErrors[0]}, net.Pipe)
					j.cutOver(t, c, p, total)
					held := len(readFile(t, filepath.Join(p.toDir, "file.part")))
					p.info.ModTime = p.info.ModTime.Add(time.Hour)
					p.offer(t, tt.changed)
					want := len(tt.changed)
					if !tt.again {
						want -= held
					}
					if carried := j.resume(t, p); carried < want || carried > want+blocksSize {
						t.Errorf("%d bytes were carried, want %d", carried, want)
					}
				})
			})
		}
	}
}

// The checksum is that of the bytes that the client has read of its file.
func TestUploadRestartsIfPartIsLonger(t *testing.T) {
	p := newPlace(t, "hello")
	synctest.Test(t, func(t *testing.T) {
		client, server := net.Pipe()
		uploaded := hosttest.InBackground(func() error { return resuming[1].do(t, t.Context(), client, &place{fromDir: p.fromDir}) })
		s := newRawPeer(t, server)
		s.send(filetransfer.Prompt)
		s.readWord("put")
		s.send(message("ready", "Offset: 100", "SHA-256: "+sumOfNothing))
		if begins := s.readWord("from").Get("Offset"); begins != "" {
			t.Errorf("the content begins at %s", begins)
		}
		if got := s.readContent(); got != "hello" {
			t.Errorf("the content is %q", got)
		}
		s.readWord("end")
		s.send(message("failed"))
		if err := <-uploaded; err == nil {
			t.Error("a failure was taken for success")
		}
		client.Close()
	})
}

// A part that a client of the plain dialect has kept can be resumed like any
// other.
func TestDownloadResumesPlainPart(t *testing.T) {
	p := newPlace(t, random(100<<10))
	total := plainGet.measure(t, p)
	synctest.Test(t, func(t *testing.T) {
		var part bytes.Buffer
		fetch := job{data: toClient, do: func(t testing.TB, ctx context.Context, c net.Conn, p *place) error {
			_, err := fetch(ctx, c, "file", &part)
			return err
		}}
		c := newCable(&fault{to: toClient, after: total[toClient] - 10_000, err: endErrors[0]}, net.Pipe)
		if err, _ := fetch.run(t, t.Context(), c, p); err == nil {
			t.Error("the cut was not noticed")
		}
		p.leavePart(t, part.String())
		if carried := resuming[0].resume(t, p); carried > 10_000+blocksSize {
			t.Errorf("%d bytes were carried", carried)
		}
	})
}

// The name of the part file is shortened with a checksum, if necessary.
func TestDownloadAndUploadResumeLongNames(t *testing.T) {
	long := strings.Repeat("ü", 127) + "x"
	content := random(100 << 10)
	path := memoryDir(t)
	from, to := filepath.Join(path, "from"), filepath.Join(path, "to")
	writeFile(t, filepath.Join(from, long), content)
	writeFile(t, filepath.Join(to, ".keep"), "")
	offered, uploads := openDir(t, from), openDir(t, to)
	for name, transfer := range map[string]func(ctx context.Context, c *filetransfer.Client) error{
		"download": func(ctx context.Context, c *filetransfer.Client) error {
			_, err := c.Download(ctx, long, filepath.Join(to, long))
			return err
		},
		"upload": func(ctx context.Context, c *filetransfer.Client) error {
			return doUpload(ctx, c, filepath.Join(from, long), long)
		},
	} {
		t.Run(name, func(t *testing.T) {
			do := job{do: func(t testing.TB, ctx context.Context, c net.Conn, _ *place) error {
				return transfer(ctx, filetransfer.NewClient(c))
			}}
			synctest.Test(t, func(t *testing.T) {
				data := map[string]direction{"download": toClient, "upload": toServer}[name]
				p := &place{from: offered, to: uploads}
				c := newCable(&fault{to: data, after: 80_000, err: endErrors[0]}, net.Pipe)
				if err, _ := do.run(t, t.Context(), c, p); err == nil {
					t.Error("the cut was not noticed")
				}
				c = newCable(nil, net.Pipe)
				if err, serverErr := do.run(t, t.Context(), c, p); err != nil || serverErr != nil {
					t.Errorf("%v, and for the server %v", err, serverErr)
				}
				if carried := c.bytes(data); carried > len(content)-40_000 {
					t.Errorf("%d bytes were carried again", carried)
				}
			})
			wantFiles(t, to, ".keep", long)
			if readFile(t, filepath.Join(to, long)) != content {
				t.Error("it is not what was sent")
			}
			if err := uploads.Remove(long); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// A slow connection pauses in each Write.
type slow struct{ net.Conn }

func (c slow) Write(p []byte) (int, error) {
	time.Sleep(progressPause)
	return c.Conn.Write(p)
}

// progressPause is longer than the time between two calls of Progress.
const progressPause = 200 * time.Millisecond

func TestProgressStartsAtResumedOffset(t *testing.T) {
	p := newPlace(t, random(6*chunkSize))
	const held = 3 * chunkSize
	for _, j := range []string{"download", "upload"} {
		t.Run(j, func(t *testing.T) {
			defer p.clear(t)
			synctest.Test(t, func(t *testing.T) {
				p.leavePart(t, p.content[:held])
				var client, server []filetransfer.Progress
				conn, other := net.Pipe()
				s := p.server()
				s.Progress = func(p filetransfer.Progress) { server = append(server, p) }
				c := filetransfer.NewClient(slow{conn})
				c.Progress = func(p filetransfer.Progress) { client = append(client, p) }
				served := hosttest.InBackground(func() error { return s.ServeConn(t.Context(), slow{other}) })
				var err error
				if j == "download" {
					_, err = c.Download(t.Context(), "file", filepath.Join(p.toDir, "file"))
				} else {
					err = doUpload(t.Context(), c, filepath.Join(p.fromDir, "file"), "file")
				}
				if err != nil {
					t.Error(err)
				}
				c.Close()
				<-served
				for side, got := range map[string][]filetransfer.Progress{"client": client, "server": server} {
					if len(got) < 4 {
						t.Fatalf("the %s's progress was %+v", side, got)
					}
					first, last := got[0], got[len(got)-1]
					if first.Done != held+chunkSize || first.Total != p.info.Size {
						t.Errorf("the %s's progress began with %+v", side, first)
					}
					if last.Done != p.info.Size || last.Remaining != 0 {
						t.Errorf("the %s's progress ended with %+v", side, last)
					}
					// At most, the content alone took all the time.
					if most := float64(p.info.Size-held) / (3 * progressPause.Seconds()); last.Rate > most {
						t.Errorf("the %s counted %.0f bytes a second, where %.0f were possible", side, last.Rate, most)
					}
				}
			})
		})
	}
}

// overwriting returns a job whose client may replace files.
func overwriting(name string) job {
	return job{name: name, do: func(t testing.TB, ctx context.Context, conn net.Conn, p *place) error {
		c := filetransfer.NewClient(conn)
		c.Overwrite = true
		switch name {
		case "download":
			_, err := c.Download(ctx, "file", filepath.Join(p.toDir, "file"))
			return err
		case "upload":
			return doUpload(ctx, c, filepath.Join(p.fromDir, "file"), "file")
		default:
			return doPut(ctx, c, "file", strings.NewReader(p.content), p.info)
		}
	}}
}

func TestOverwriteIsNeededToReplace(t *testing.T) {
	for _, j := range framedTransfers[1:] {
		t.Run(j.name, func(t *testing.T) {
			p := newPlace(t, random(100<<10))
			path := filepath.Join(p.toDir, "file")
			synctest.Test(t, func(t *testing.T) {
				writeFile(t, path, "old")
				before, err := os.Stat(path)
				if err != nil {
					t.Fatal(err)
				}
				c := newCable(nil, net.Pipe)
				err, serverErr := j.run(t, t.Context(), c, p)
				wantError(t, err, fs.ErrExist)
				if serverErr != nil && c.bytes(toServer) > 0 {
					t.Errorf("the server dropped the client: %v", serverErr)
				}
				limit := blocksSize
				if j.name == "put of unknown size" { // compared up to the first difference, when more is on its way
					limit = len(p.content)
				}
				if carried := c.bytes(j.data); carried >= limit {
					t.Errorf("%d bytes were carried all the same", carried)
				}
				wantFiles(t, p.toDir, "file")
				after, err := os.Stat(path)
				if err != nil {
					t.Fatal(err)
				}
				if !os.SameFile(before, after) || after.ModTime() != before.ModTime() || after.Mode() != before.Mode() || readFile(t, path) != "old" {
					t.Errorf("the file has changed: %+v", after)
				}

				overwriting(j.name).resume(t, p)
				p.wantWhole(t)
			})
		})
	}
}

// A part that was begun before the name was taken can be resumed as soon as the
// name is free or may be replaced.
func TestOverwriteRefusalKeepsPart(t *testing.T) {
	for _, j := range resuming {
		t.Run(j.name, func(t *testing.T) {
			p := newPlace(t, random(100<<10))
			synctest.Test(t, func(t *testing.T) {
				writeFile(t, filepath.Join(p.toDir, "file"), "old")
				p.leavePart(t, p.content[:60_000])
				err, _ := j.run(t, t.Context(), newCable(nil, net.Pipe), p)
				wantError(t, err, fs.ErrExist)
				again := overwriting(j.name)
				again.data = j.data
				if carried := again.resume(t, p); carried > len(p.content)-60_000+blocksSize {
					t.Errorf("%d bytes were carried", carried)
				}
				p.wantWhole(t)
			})
		})
	}
}

func TestOverwriteNeededIfNameTakenMeanwhile(t *testing.T) {
	for _, j := range framedTransfers[1:] {
		t.Run(j.name, func(t *testing.T) {
			p := newPlace(t, random(100<<10))
			synctest.Test(t, func(t *testing.T) {
				path := filepath.Join(p.toDir, "file")
				taken := &nameTakingConn{t: t, path: path}
				client, server := net.Pipe()
				taken.Conn = server
				c := newCable(nil, func() (net.Conn, net.Conn) { return client, taken })
				err, serverErr := j.run(t, t.Context(), c, p)
				wantError(t, err, fs.ErrExist)
				if j.data == toClient && !errors.Is(serverErr, fs.ErrExist) && serverErr != nil {
					t.Errorf("the server dropped the client: %v", serverErr)
				}
				if got := readFile(t, path); got != "somebody else's" {
					t.Errorf("the file was replaced by %d bytes", len(got))
				}
				if err := os.Remove(path); err != nil {
					t.Fatal(err)
				}
				if j.resumes {
					if carried := j.resume(t, p); carried > blocksSize {
						t.Errorf("%d bytes were carried, although all were there", carried)
					}
				}
			})
		})
	}
}

// A nameTakingConn creates a file of the final name as soon as it has carried
// some content.
type nameTakingConn struct {
	net.Conn
	t     testing.TB
	path  string
	bytes int
}

func (c *nameTakingConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.count(n)
	return n, err
}

func (c *nameTakingConn) Write(p []byte) (int, error) {
	c.count(len(p))
	return c.Conn.Write(p)
}

func (c *nameTakingConn) count(n int) {
	if c.bytes += n; c.bytes-n <= 50_000 && c.bytes > 50_000 {
		writeFile(c.t, c.path, "somebody else's")
	}
}
