package main

import (
	"bytes"
	"io"
	"os"
	"strings"
	"testing"
	"testing/iotest"
)

// The reader prints to standard output, as the ends do.
func printedBy(t *testing.T, do func()) string {
	t.Helper()
	out, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func(usual *os.File) { os.Stdout = usual }(os.Stdout)
	os.Stdout = in
	do()
	in.Close()
	printed, err := io.ReadAll(out)
	if err != nil {
		t.Fatal(err)
	}
	return string(printed)
}

func TestContentReaderCountsFromFirstToLast(t *testing.T) {
	const size = 3 << 20
	content := bytes.Repeat([]byte{'x'}, size)
	copy(content, firstBytes)
	copy(content[size-len(lastBytes):], lastBytes)
	for name, stream := range map[string]string{
		"the content alone":  string(content),
		"in a dialect":       "Enter the file name" + string(content) + "Transfer complete",
		"in a large dialect": strings.Repeat("-", contentStep) + string(content) + "Transfer complete",
	} {
		for reads, of := range map[string]func(io.Reader) io.Reader{
			"whole": func(r io.Reader) io.Reader { return r }, "of one byte": iotest.OneByteReader,
		} {
			got := printedBy(t, func() { io.Copy(io.Discard, newContentReader(of(strings.NewReader(stream)), size)) })
			if want := "0 bytes\n1048576 bytes\n1048576 bytes\n1048576 bytes\n"; got != want {
				t.Errorf("%s, reads %s: printed %q, want %q", name, reads, got, want)
			}
		}
	}
}
