package filetransfer

import (
	"errors"
	"io"
	"io/fs"
	"strings"
	"testing"
	"testing/iotest"
)

// compareInPieces writes content in pieces of a size to a comparer of a file.
func compareInPieces(file io.Reader, content string, size int) error {
	c := &comparer{file: file}
	for len(content) > 0 {
		piece := content[:min(size, len(content))]
		content = content[len(piece):]
		if n, err := c.Write([]byte(piece)); err != nil || n != len(piece) {
			return err
		}
	}
	return c.end()
}

func TestComparerFindsDifferences(t *testing.T) {
	long := strings.Repeat("0123456789abcdef", 5000)
	for name, tt := range map[string]struct {
		file, content string
		differ        bool
	}{
		"equal":             {"hello", "hello", false},
		"empty":             {"", "", false},
		"long":              {long, long, false},
		"first byte":        {"hello", "jello", true},
		"last byte":         {long, long[:len(long)-1] + "x", true},
		"shorter file":      {"hello", "hello, world", true},
		"longer file":       {"hello, world", "hello", true},
		"empty file":        {"", "hello", true},
		"content empty":     {"hello", "", true},
		"NULs at the end":   {"hello", "hello\x00", true},
		"much shorter file": {"hello", long, true},
	} {
		for _, size := range []int{7, maxChunk, len(long)} {
			err := compareInPieces(iotest.HalfReader(strings.NewReader(tt.file)), tt.content, size)
			if tt.differ != errors.Is(err, fs.ErrExist) || !tt.differ && err != nil {
				t.Errorf("%s, in pieces of %d bytes: %v", name, size, err)
			}
		}
	}
}

func TestComparerReturnsErrorsOfFile(t *testing.T) {
	broken := errors.New("broken")
	file := io.MultiReader(strings.NewReader("hello"), iotest.ErrReader(broken))
	if err := compareInPieces(file, "hello, world", 5); err != broken {
		t.Errorf("Write: %v", err)
	}
	file = io.MultiReader(strings.NewReader("hello"), iotest.ErrReader(broken))
	if err := compareInPieces(file, "hello", 5); err != broken {
		t.Errorf("end: %v", err)
	}
}
