package filetransfer_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-rfcomm/rfcomm/filetransfer"
)

// resumingJob returns a job that resumes from the first half of the file.
func resumingJob(j job) job {
	do := j.do
	j.name = "resumed " + j.name
	j.do = func(t testing.TB, ctx context.Context, c net.Conn, p *place) error {
		writeFile(t, filepath.Join(p.toDir, "file.part"), p.content[:len(p.content)/2])
		return do(t, ctx, c, p)
	}
	return j
}

// framedQuestions are jobs of the framed dialect that transfer no file.
var framedQuestions = []job{
	{name: "stat", do: func(t testing.TB, ctx context.Context, c net.Conn, p *place) error {
		info, err := filetransfer.NewClient(c).Stat(ctx, "file")
		if err == nil {
			p.wantInfo(t, info)
		}
		return err
	}},
	{name: "list", do: func(t testing.TB, ctx context.Context, c net.Conn, p *place) error {
		infos, err := filetransfer.NewClient(c).List(ctx, ".")
		switch {
		case err != nil:
		case len(infos) != 2 || infos[1].Name != "subdir" || !infos[1].Mode.IsDir():
			t.Errorf("listed %+v", infos)
		default:
			p.wantInfo(t, infos[0])
		}
		return err
	}},
}

// flip runs a job while bits are flipped, and checks that it succeeds correctly
// or fails.
func (j job) flip(t *testing.T, p *place, f fault) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		defer p.clear(t)
		began := time.Now()
		c := newCable(&f, net.Pipe)
		err, serverErr := j.run(t, t.Context(), c, p)
		p.wantWholeOrNone(t)
		// Each side may wait once for bytes that never arrive.
		if took := time.Since(began); took > 2*idleTimeout+10*time.Second {
			t.Errorf("it took %v", took)
		}
		if t.Failed() {
			t.Logf("%s, %v: client %v, server %v", j.name, f, err, serverErr)
		}
	})
}

// idleTimeout is the default IdleTimeout of clients and servers.
const idleTimeout = 30 * time.Second

func TestClientDetectsFlippedBits(t *testing.T) {
	jobs := slices.Concat(framedQuestions, framedTransfers, []job{resumingJob(resuming[0]), resumingJob(resuming[1])})
	inParallel(t, jobs, func(t *testing.T, j job) {
		// Flipped bits can turn a byte into a line end.
		p := newPlace(t, "1\r\n\n0\r\nhello, world\r\n\n0\r\n\r\n")
		if err := os.Mkdir(filepath.Join(p.fromDir, "subdir"), 0o777); err != nil {
			t.Fatal(err)
		}
		total := j.measure(t, p)
		for _, to := range directions {
			for at := 0; at < total[to] && !t.Failed(); at++ {
				for _, bits := range bitsAt(at) {
					j.flip(t, p, fault{to: to, after: at, flip: bits})
				}
			}
		}
	})
}

// bitsAt returns the bits to flip in a byte: some that make line ends or change
// the case of letters, and one single bit.
func bitsAt(at int) []byte {
	if testing.Short() {
		return []byte{1 << (at % 8)}
	}
	return []byte{0x01, 0x20, 0x80, 0x07, 1 << (at % 8)}
}

// A length of a chunk that becomes 0 ends the content. The bytes that follow
// here are the end of an empty file.
func TestClientDetectsLengthFlippedToZero(t *testing.T) {
	end := message("end", "SHA-256: "+sumOfNothing)
	for length, bit := range map[int]byte{0x80: 0x08, 0x100: 0x01, 0x800: 0x08, 0x8000: 0x08} {
		t.Run(fmt.Sprintf("%x", length), func(t *testing.T) {
			p := newPlace(t, end+strings.Repeat("x", length-len(end)))
			put := job{name: "put", data: toServer, do: func(t testing.TB, ctx context.Context, c net.Conn, p *place) error {
				info := p.info
				info.Size = -1
				return doPut(ctx, filetransfer.NewClient(c), "file", strings.NewReader(p.content), info)
			}}
			after := len(fmt.Sprintf("%x\r\n", length)) + length + len("\r\n0\r\n") + len(end)
			put.flip(t, p, fault{to: toServer, after: put.measure(t, p)[toServer] - after, flip: bit})
		})
	}
}
