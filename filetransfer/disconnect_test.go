package filetransfer_test

import (
	"bytes"
	"context"
	"flag"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/go-rfcomm/rfcomm/filetransfer"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

var seedFlag = flag.Uint64("seed", 0, "what random tests begin with; 0: something new")

// newRandom returns a source of random numbers, and logs how to repeat them.
func newRandom(t testing.TB) *rand.Rand {
	seed := *seedFlag
	for seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("to repeat it: go test -run '%s' -seed %d", t.Name(), seed)
	return rand.New(rand.NewPCG(seed, seed))
}

const (
	endMark = "Transfer complete"

	// chunkSize is the maximum number of bytes in transit to the disk.
	chunkSize = 32 << 10

	// blocksSize is larger than all blocks of a transfer together.
	blocksSize = 1 << 10
)

// A span is the number of bytes in each direction.
type span [2]int

// measure runs a job without a fault and returns the bytes carried.
func (j job) measure(t *testing.T, p *place) (total span) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		defer p.clear(t)
		c := newCable(nil, net.Pipe)
		if err, serverErr := j.run(t, t.Context(), c, p); err != nil || serverErr != nil {
			t.Fatalf("without a fault: %v, and for the server %v", err, serverErr)
		}
		total = span{c.bytes(toServer), c.bytes(toClient)}
	})
	return total
}

// cut runs a job that is cut, in a synctest bubble: timeouts take no real time
// there, and goroutines that block for any other reason are detected. If again
// is true, it then runs the job a second time.
func (j job) cut(t *testing.T, p *place, f fault, total span, again bool) {
	t.Helper()
	f.err = endErrors[f.after%len(endErrors)]
	synctest.Test(t, func(t *testing.T) {
		defer p.clear(t)
		j.cutOver(t, newCable(&f, net.Pipe), p, total)
		if again && j.resumes && !t.Failed() {
			j.resumeAfterCut(t, newCable(nil, net.Pipe), p, f, total)
		}
		if t.Failed() {
			t.Logf("%s, %v", j.name, f)
		}
	})
}

// cutOver runs a job over a cable that is cut, and checks the result.
func (j job) cutOver(t testing.TB, c *cable, p *place, total span) {
	t.Helper()
	f := c.fault
	err, serverErr := j.run(t, t.Context(), c, p)
	whole := p.wantWholeOrNone(t)
	if err == nil && f.after < total[f.to] && (f.to == toClient || j.data == toServer) {
		t.Errorf("the client noticed nothing")
	}
	confirmed := c.read(toServer) == 0 || whole || j.data == toClient && c.bytes(toServer) == total[toServer]
	if serverErr == nil && !confirmed {
		t.Errorf("the server noticed nothing")
	}
}

// resumeAfterCut runs a job again after it was cut.
func (j job) resumeAfterCut(t testing.TB, c *cable, p *place, f fault, total span) {
	t.Helper()
	_, err := os.Stat(filepath.Join(p.toDir, "file"))
	whole := err == nil
	held := 0
	if stat, err := os.Stat(filepath.Join(p.toDir, "file.part")); err == nil {
		held = int(stat.Size())
	}
	if f.to == j.data && !whole && f.after > held+chunkSize+blocksSize {
		t.Errorf("only %d bytes were kept", held)
	}
	err, serverErr := j.run(t, t.Context(), c, p)
	if whole {
		held = total[j.data]
	}
	switch {
	case err != nil || serverErr != nil:
		t.Errorf("again: %v, and for the server %v", err, serverErr)
	case c.bytes(j.data) > total[j.data]-held+blocksSize:
		t.Errorf("the second time, %d bytes were carried, of %d in all, although there were %d", c.bytes(j.data), total[j.data], held)
	}
	p.wantWhole(t)
	wantFiles(t, p.toDir, "file")
}

func TestClientDetectsCutAtEveryByte(t *testing.T) {
	inParallel(t, framedTransfers, func(t *testing.T, j job) {
		p := newPlace(t, "hello, world\r\n0\r\n\r\n")
		total := j.measure(t, p)
		for _, to := range directions {
			for after := 0; after <= total[to] && !t.Failed(); after++ {
				j.cut(t, p, fault{to: to, after: after}, total, true)
				j.cut(t, p, fault{to: to, after: after, late: true}, total, true)
			}
		}
	})
}

func TestClientDetectsCutAtRandomBytes(t *testing.T) {
	places := 1000
	if testing.Short() {
		places = 50
	}
	content := random(300 << 10)
	inParallel(t, framedTransfers, func(t *testing.T, j job) {
		source := newRandom(t)
		p := newPlace(t, content)
		total := j.measure(t, p)
		for n := range places {
			f := fault{to: j.data, late: source.IntN(2) == 0}
			if n%10 == 0 {
				f.to = 1 - j.data
			}
			f.after = source.IntN(total[f.to] + 1)
			if j.cut(t, p, f, total, n%2 == 0); t.Failed() {
				break
			}
			if !j.resumes && n >= places/5 {
				break
			}
		}
	})
}

// inParallel runs a test for each job in parallel.
func inParallel(t *testing.T, jobs []job, test func(*testing.T, job)) {
	t.Helper()
	hosttest.LeavesNothingBehind(t, func() {
		t.Run("job", func(t *testing.T) {
			for _, j := range jobs {
				t.Run(j.name, func(t *testing.T) {
					t.Parallel()
					test(t, j)
				})
			}
		})
	})
}

func TestClientDetectsCutOfSocket(t *testing.T) {
	places := 40
	if testing.Short() {
		places = 5
	}
	for _, network := range sockets {
		for _, j := range slices.Concat(framedTransfers, []job{plainGet}) {
			t.Run(network+"/"+j.name, func(t *testing.T) {
				hosttest.LeavesNothingBehind(t, func() {
					source := newRandom(t)
					p := newPlace(t, random(300<<10))
					ends := func() (client, server net.Conn) {
						client, server = networks[network](t)
						if j.name == plainGet.name {
							client = lineEnd{client}
						}
						return client, server
					}
					whole := newCable(nil, ends)
					if err, serverErr := j.run(t, t.Context(), whole, p); err != nil || serverErr != nil {
						t.Fatalf("without a fault: %v, and for the server %v", err, serverErr)
					}
					total := span{whole.bytes(toServer), whole.bytes(toClient)}
					for range places {
						p.clear(t)
						f := fault{to: j.data, after: source.IntN(total[j.data]), err: endErrors[0]}
						j.cutOver(t, newCable(&f, ends), p, total)
						if j.resumes {
							f.after = 0 // more than a chunk was in transit
							j.resumeAfterCut(t, newCable(nil, ends), p, f, total)
						}
						if t.Failed() {
							t.Logf("%s, %v", j.name, f)
							break
						}
					}
					p.close()
				})
			})
		}
	}
}

// plainGet is a transfer of the plain dialect.
var plainGet = job{name: "plain get", data: toClient, do: func(t testing.TB, ctx context.Context, c net.Conn, p *place) error {
	var got bytes.Buffer
	n, err := fetch(ctx, c, "file", &got)
	if n != int64(got.Len()) || err == nil && got.String() != p.content {
		t.Errorf("got %d bytes that are not the %d of the file", n, len(p.content))
	}
	return err
}}

// A lineEnd adds a line end to the name of the plain dialect, so that the
// server does not wait for more bytes.
type lineEnd struct{ net.Conn }

func (c lineEnd) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(append(bytes.Clone(p), '\n'))
	return min(n, len(p)), err
}

// fetchCut fetches over a cable that is cut, and checks the result. A cut
// cannot be detected if the end mark was received last.
func fetchCut(t *testing.T, p *place, f fault, total span) {
	t.Helper()
	f.err = endErrors[f.after%len(endErrors)]
	synctest.Test(t, func(t *testing.T) {
		c := newCable(&f, net.Pipe)
		received := ""
		if f.to == toClient && f.after > promptSize {
			received = (p.content + endMark)[:f.after-promptSize]
		}
		var got bytes.Buffer
		var n int64
		j := job{do: func(t testing.TB, ctx context.Context, c net.Conn, p *place) (err error) {
			n, err = fetch(ctx, c, "file", &got)
			return err
		}}
		err, serverErr := j.run(t, t.Context(), c, p)
		if n != int64(got.Len()) {
			t.Errorf("wrote %d bytes, and says %d", got.Len(), n)
		}
		file, marked := strings.CutSuffix(received, endMark)
		switch {
		case marked && (err != nil || got.String() != file):
			t.Errorf("the end mark came last, but: %d bytes, %v", n, err)
		case !marked && err == nil:
			t.Errorf("the client noticed nothing")
		case !strings.HasPrefix(p.content, got.String()):
			t.Errorf("the client wrote %d bytes that are not the file's", n)
		case got.Len()+len(endMark) < len(received) && !strings.HasPrefix(received, "Error: "):
			t.Errorf("the client kept %d bytes of %d", n, len(received))
		}
		if serverErr == nil && c.read(toServer) > 0 && !f.late && c.bytes(toClient) < total[toClient] {
			t.Errorf("the server noticed nothing")
		}
		if t.Failed() {
			t.Logf("plain, %v, client %v, server %v", f, err, serverErr)
		}
	})
}

// promptSize is the number of bytes before the server's first answer.
const promptSize = len(filetransfer.Prompt)

// plainContents are files whose content resembles the end mark or an error.
func plainContents() map[string]string {
	return map[string]string{
		"empty":            "",
		"text":             "hello, world\n",
		"mark":             endMark,
		"marks":            endMark + endMark + "Transfer complet" + endMark + "T",
		"error":            "Error: file does not exist\n",
		"error and more":   "Error: file does not exist\nor does it?",
		"error and mark":   "Error: " + endMark,
		"part of an error": "Error",
	}
}

func TestClientPlainDetectsCutAtEveryByte(t *testing.T) {
	hosttest.LeavesNothingBehind(t, func() {
		for name, content := range plainContents() {
			t.Run(name, func(t *testing.T) {
				p := newPlace(t, content)
				total := plainGet.measure(t, p)
				for _, to := range directions {
					for after := 0; after <= total[to] && !t.Failed(); after++ {
						fetchCut(t, p, fault{to: to, after: after}, total)
						fetchCut(t, p, fault{to: to, after: after, late: true}, total)
					}
				}
			})
		}
	})
}

func TestClientPlainDetectsCutAtRandomBytes(t *testing.T) {
	places := 1000
	if testing.Short() {
		places = 50
	}
	hosttest.LeavesNothingBehind(t, func() {
		for name, content := range map[string]string{
			"random": random(300 << 10),
			"marks":  strings.Repeat("Transfer complete, not. ", 10_000),
		} {
			t.Run(name, func(t *testing.T) {
				source := newRandom(t)
				p := newPlace(t, content)
				total := plainGet.measure(t, p)
				for range places / 2 {
					f := fault{to: toClient, after: source.IntN(total[toClient] + 1), late: source.IntN(2) == 0}
					if fetchCut(t, p, f, total); t.Failed() {
						break
					}
				}
			})
		}
	})
}
