package filetransfer

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
)

const (
	// dialect begins every block. The version follows it.
	dialect = "filetransfer/"
	version = 1

	// maxBlock is the maximum size of a block. The longest path of Linux has
	// 4096 bytes, or three times as many if each of them is escaped.
	maxBlock = 16 << 10

	// maxFields is the maximum number of fields of a block. A field needs more
	// memory than it has bytes.
	maxFields = 64

	// checksumKey is the key of the last field of a block, the CRC-32 (IEEE) of
	// all bytes before its line. The field is optional, so that simple peers
	// need no CRC; this package always sends it.
	checksumKey = "CRC-32"
)

// malformed returns the error for a message that violates the protocol.
func malformed(format string, values ...any) error {
	return publicErrorf(ErrCorrupt, "malformed message: %s", fmt.Sprintf(format, values...))
}

// A block is one message: a request or an answer. On the wire, it is a line
// with the dialect, its version and a word, followed by header fields as in a
// mail and an empty line.
type block struct {
	word   string // the method of a request, the code of an answer
	fields []field
}

type field struct{ key, value string }

// with adds a field.
func (b block) with(key, value string) block {
	b.fields = append(b.fields, field{key, value})
	return b
}

// get returns the value of a field, or "" if there is none.
func (b block) get(key string) string {
	for _, f := range b.fields {
		if strings.EqualFold(f.key, key) {
			return f.value
		}
	}
	return ""
}

// append appends the encoded block.
func (b block) append(to []byte) []byte {
	start := len(to)
	to = fmt.Appendf(to, "%s%d %s\r\n", dialect, version, b.word)
	for _, f := range b.fields {
		to = fmt.Appendf(to, "%s: %s\r\n", f.key, f.value)
	}
	return fmt.Appendf(to, "%s: %08x\r\n\r\n", checksumKey, crc32.ChecksumIEEE(to[start:]))
}

// readBlock reads one block. It returns io.EOF only if the stream ends before
// the first byte.
func readBlock(r *bufio.Reader) (block, error) {
	raw := make([]byte, 0, 512)
	lastLine := 0 // offset of the last line before the empty one
	for lines := 0; ; lines++ {
		line, err := r.ReadSlice('\n')
		if len(raw)+len(line) > maxBlock || errors.Is(err, bufio.ErrBufferFull) {
			return block{}, malformed("more than %d bytes", maxBlock)
		}
		if lines > 1+maxFields {
			return block{}, malformed("more than %d fields", maxFields)
		}
		if err != nil {
			if err == io.EOF && len(raw)+len(line) > 0 {
				err = io.ErrUnexpectedEOF
			}
			return block{}, err
		}
		if len(raw) == 0 && !bytes.HasPrefix(line, []byte(dialect)) {
			return block{}, malformed("%s", printable(string(line)))
		}
		// Without this rule, one corrupt byte could end a block early: a CR that
		// becomes LF looks like an empty line. That hides the checksum as well.
		if !bytes.HasSuffix(line, []byte("\r\n")) {
			return block{}, malformed("a line ends without CR: %s", printable(string(line)))
		}
		if len(line) == len("\r\n") {
			return parseBlock(raw, lastLine)
		}
		lastLine = len(raw)
		raw = append(raw, line...)
	}
}

// parseBlock parses a block without its empty line. If the line at offset
// lastLine is a checksum, parseBlock verifies it.
func parseBlock(raw []byte, lastLine int) (block, error) {
	var b block
	first, rest, _ := bytes.Cut(raw, []byte("\n"))
	number, word, ok := strings.Cut(strings.TrimSuffix(strings.TrimPrefix(string(first), dialect), "\r"), " ")
	if !ok || word == "" {
		return b, malformed("%s", printable(string(first)))
	}
	if v, err := strconv.Atoi(number); err != nil || v != version {
		return b, publicErrorf(errors.ErrUnsupported, "version %s of the framed dialect is not supported, only version %d", printable(number), version)
	}
	fields := io.MultiReader(bytes.NewReader(rest), strings.NewReader("\r\n"))
	header, err := textproto.NewReader(bufio.NewReader(fields)).ReadMIMEHeader()
	if err != nil {
		return b, malformed("%s", printable(err.Error()))
	}
	b.word = word
	for key, values := range header {
		if len(values) != 1 {
			return b, malformed("%d fields named %s", len(values), key)
		}
		b.fields = append(b.fields, field{key, values[0]})
	}
	return b, b.verify(raw[:lastLine], raw[lastLine:])
}

// verify compares the checksum of the block, if it has one, with the bytes
// before it. The checksum must be in the last line.
func (b block) verify(before, lastLine []byte) error {
	isChecksum := func(f field) bool { return strings.EqualFold(f.key, checksumKey) }
	at := slices.IndexFunc(b.fields, isChecksum)
	if at < 0 {
		return nil
	}
	key, value, _ := strings.Cut(strings.TrimSpace(string(lastLine)), ":")
	if value = strings.TrimSpace(value); !strings.EqualFold(key, checksumKey) || value != b.fields[at].value {
		return malformed("the field %s is not the last line", checksumKey)
	}
	if want := fmt.Sprintf("%08x", crc32.ChecksumIEEE(before)); value != want {
		return malformed("the %s is not %s", checksumKey, want)
	}
	return nil
}

// maxPrintable is the maximum number of bytes shown of a peer's text.
const maxPrintable = 400

// printable returns a peer's text as one line without control characters, which
// is safe to show on a terminal or in a log.
func printable(text string) string {
	text = strings.Map(func(r rune) rune {
		if !strconv.IsPrint(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
	if text = strings.TrimSpace(text); len(text) > maxPrintable {
		text = strings.ToValidUTF8(text[:maxPrintable], "") + "…"
	}
	return text
}
