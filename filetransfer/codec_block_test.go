package filetransfer

import (
	"bufio"
	"errors"
	"strings"
	"testing"
)

func readBlockOf(text string) (block, error) {
	return readBlock(bufio.NewReaderSize(strings.NewReader(text), maxBlock))
}

func TestReadBlockNeedsNoChecksum(t *testing.T) {
	for _, text := range []string{
		"filetransfer/1 get\r\nName: notes.txt\r\n\r\n",
		string(block{word: "get"}.withName("notes.txt").append(nil)),
	} {
		b, err := readBlockOf(text)
		if err != nil || b.word != "get" || b.get(nameKey) != "notes.txt" {
			t.Errorf("%q is %v, %v", text, b, err)
		}
	}
	if b, err := readBlockOf("filetransfer/1 ok\r\n\r\n"); err != nil || b.word != okWord || len(b.fields) != 0 {
		t.Errorf("a block without fields is %v, %v", b, err)
	}
}

func TestReadBlockVerifiesChecksum(t *testing.T) {
	right := string(block{word: "get"}.withName("notes.txt").append(nil))
	for name, text := range map[string]string{
		"other bytes":        strings.Replace(right, "notes", "Notes", 1),
		"another checksum":   "filetransfer/1 get\r\nName: notes.txt\r\nCRC-32: 00000000\r\n\r\n",
		"no value":           "filetransfer/1 get\r\nName: notes.txt\r\nCRC-32:\r\n\r\n",
		"not a checksum":     "filetransfer/1 get\r\nName: notes.txt\r\nCRC-32: x\r\n\r\n",
		"not the last line":  strings.TrimSuffix(right, "\r\n") + "Size: 5\r\n\r\n",
		"continued":          strings.TrimSuffix(right, "\r\n") + "\t0\r\n\r\n",
		"flipped line end":   strings.Replace(right, "txt\r\n", "txt\r*", 1),
		"flipped line end 3": strings.Replace(right, "txt\r\n", "txt\n\n", 1),
		"lines without CR":   "filetransfer/1 get\nName: notes.txt\n\n",
		"flipped line end 2": strings.Replace(right, "txt\r\n", "txt\r\v", 1),
	} {
		if b, err := readBlockOf(text); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: %q is %v, %v", name, text, b, err)
		}
	}
}
