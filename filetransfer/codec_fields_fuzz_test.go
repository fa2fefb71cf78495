package filetransfer

import (
	"bufio"
	"bytes"
	"io/fs"
	"testing"
	"time"
)

// An Info arrives as it was sent, except for times that cannot be sent.
func FuzzInfo(f *testing.F) {
	f.Add(int64(5), uint16(0o640), false, int64(1_700_000_000), int64(123456789), uint8(0))
	f.Add(int64(-7), uint16(0), true, int64(-62_167_219_200), int64(0), uint8(1))
	f.Add(int64(0), uint16(0), false, int64(-62_135_596_800), int64(0), uint8(2))
	f.Add(int64(1)<<62, uint16(0o777), true, int64(253_402_300_799), int64(999_999_999), uint8(0))
	f.Add(int64(0), uint16(0o7777), true, int64(253_402_300_800), int64(0), uint8(0))
	f.Fuzz(func(t *testing.T, size int64, mode uint16, known bool, seconds, nanoseconds int64, kind uint8) {
		sent := Info{Name: "x", Size: size, Mode: fs.FileMode(mode).Perm(), ModeKnown: known, ModTime: time.Unix(seconds, nanoseconds)}
		sent.Mode |= []fs.FileMode{0, fs.ModeDir, fs.ModeIrregular}[kind%3]
		message := block{word: okWord}.withInfo(sent).append(nil)
		b, err := readBlock(bufio.NewReaderSize(bytes.NewReader(message), maxBlock))
		if err != nil {
			t.Fatalf("%q: %v", message, err)
		}
		got, err := b.info("x")
		if err != nil {
			t.Fatalf("%q: %v", message, err)
		}
		want := sent
		want.Size = max(size, -1)
		want.ModeKnown = known || sent.Mode.Perm() != 0
		if year := sent.ModTime.UTC().Year(); year < 0 || year > 9999 {
			want.ModTime = time.Time{}
		}
		if !got.ModTime.Equal(want.ModTime) {
			t.Errorf("the time %v became %v", want.ModTime, got.ModTime)
		}
		if got.Size != want.Size || got.Mode != want.Mode || got.ModeKnown != want.ModeKnown {
			t.Errorf("%+v became %+v", want, got)
		}
	})
}
