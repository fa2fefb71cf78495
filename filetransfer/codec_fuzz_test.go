package filetransfer

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"net"
	"net/textproto"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

// addGoldenMessages adds all messages of the transcripts to the corpus.
func addGoldenMessages(f *testing.F) {
	paths, err := filepath.Glob("testdata/golden/framed-*.txt")
	if err != nil || len(paths) == 0 {
		f.Fatalf("there are no transcripts: %v", err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		said := ""
		for line := range strings.Lines(string(text)) {
			if line, err := strconv.Unquote(strings.TrimSpace(line[len("S: "):])); err == nil {
				if said += line; line == "\r\n" {
					f.Add([]byte(strings.TrimPrefix(said, "\x00")))
					said = ""
				}
			}
		}
	}
}

// sorted returns the fields as a parser may return them, sorted by key.
func (b block) sorted() []field {
	fields := []field{}
	for _, f := range b.fields {
		// A folded line may end in spaces.
		fields = append(fields, field{textproto.CanonicalMIMEHeaderKey(f.key), strings.TrimRight(f.value, " ")})
	}
	slices.SortFunc(fields, func(f, g field) int { return strings.Compare(f.key, g.key) })
	return fields
}

// A block that was read and written can be read again as the same block.
func FuzzReadBlock(f *testing.F) {
	addGoldenMessages(f)
	f.Add([]byte("filetransfer/1 \r\n\r\n"))
	f.Add([]byte("filetransfer/2 get\r\nName: x\r\n\r\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, data := range [][]byte{data, withChecksum(data)} {
			b, err := readBlock(bufio.NewReaderSize(bytes.NewReader(data), maxBlock))
			if err == io.EOF && len(data) > 0 {
				t.Error("the end of the stream within a block is not an error")
			}
			if err != nil {
				continue
			}
			b.fields = slices.DeleteFunc(b.fields, func(f field) bool { return strings.EqualFold(f.key, checksumKey) })
			again, err := readBlock(bufio.NewReaderSize(bytes.NewReader(b.append(nil)), maxBlock))
			if err != nil && errors.Is(err, ErrCorrupt) && len(b.append(nil)) > maxBlock {
				continue // the block was just small enough because of shorter line ends
			}
			again.fields = slices.DeleteFunc(again.fields, func(f field) bool { return f.key == textproto.CanonicalMIMEHeaderKey(checksumKey) })
			if err != nil || again.word != b.word || !slices.Equal(again.sorted(), b.sorted()) {
				t.Errorf("%q became %q, %v", b, again, err)
			}
			for _, parse := range []func() error{
				func() error { _, err := b.name(); return err },
				func() error { _, err := b.info("x"); return err },
				func() error { _, _, err := b.part(); return err },
				func() error { return newCodec(newConnection(nil, serverPeer, 0)).errorOf(b, okWord) },
			} {
				if err := parse(); err != nil && (err.Error() == "" || strings.ContainsAny(err.Error(), "\x00\x1b\r\n")) {
					t.Errorf("an error says %q", err)
				}
			}
		}
	})
}

// withChecksum returns the block in data with a correct checksum.
func withChecksum(data []byte) []byte {
	text, _, _ := strings.Cut(string(data), checksumKey)
	lines := strings.SplitAfter(strings.TrimSuffix(text, "\r\n\r\n"), "\r\n")
	first, _ := strings.CutPrefix(strings.TrimSuffix(lines[0], "\r\n"), dialect+strconv.Itoa(version)+" ")
	b := block{word: first}
	for _, line := range lines[1:] {
		key, value, _ := strings.Cut(strings.TrimSuffix(line, "\r\n"), ": ")
		b = b.with(key, value)
	}
	return b.append(nil)
}

// A memory is a connection that reads the bytes written to it.
type memory struct {
	bytes.Buffer
	net.Conn
}

func (m *memory) Read(p []byte) (int, error)  { return m.Buffer.Read(p) }
func (m *memory) Write(p []byte) (int, error) { return m.Buffer.Write(p) }
func (*memory) SetDeadline(time.Time) error   { return nil }

func FuzzReadChunk(f *testing.F) {
	addGoldenMessages(f)
	f.Add([]byte("5\r\nhello\r\n0\r\n"))
	f.Add([]byte("8001\r\nhello\r\n0\r\n"))
	f.Add([]byte("05\nhello\n00\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		m := new(memory)
		m.Buffer.Write(data)
		c := newCodec(newConnection(m, serverPeer, 0))
		rest := len(data)
		for {
			chunk, err := c.readChunk()
			if err == io.EOF {
				t.Error("the end of the stream within content is not an error")
			}
			if err != nil || len(chunk) == 0 {
				break
			}
			if rest -= len(chunk) + len("1\n\n"); rest < 0 || len(chunk) > maxChunk {
				t.Fatalf("%q has chunks of %d bytes more", data, -rest)
			}
		}
	})
}

// Content arrives as it was sent, whatever the sizes of the reader's Reads.
func FuzzContent(f *testing.F) {
	f.Add([]byte("hello, world"), 5, true)
	f.Add([]byte("0\r\n"), 0, false)
	f.Add(bytes.Repeat([]byte("0\r\n"), maxChunk), 2*maxChunk-1, true)
	f.Fuzz(func(t *testing.T, content []byte, from int, sized bool) {
		if from < 0 || from > len(content) {
			from = 0
		}
		rest := content[from:]
		size := int64(-1)
		if sized {
			size = int64(len(rest))
		}
		for _, wrap := range []func(io.Reader) io.Reader{iotest.HalfReader, iotest.DataErrReader, func(r io.Reader) io.Reader { return r }} {
			c := newCodec(newConnection(new(memory), serverPeer, 0))
			sent, received := sha256.New(), sha256.New()
			sent.Write(content[:from])
			received.Write(content[:from])
			meter := newMeter(nil, "", 0, size)
			s := source{reader: wrap(bytes.NewReader(rest)), size: size, short: ErrChanged, exact: true}
			if err := newTransfer(c, sent, meter).sendContent(s); err != nil {
				t.Fatal(err)
			}
			var got bytes.Buffer
			if err := newTransfer(c, received, meter).receiveContent(&got, size); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got.Bytes(), rest) {
				t.Errorf("%q became %q", rest, got.Bytes())
			}
		}
	})
}
