package show

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-rfcomm/rfcomm/filetransfer"
)

func TestBytes(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0 B", 999: "999 B", 1000: "1.0 kB", 1049: "1.0 kB", 1050: "1.1 kB", 999_949: "999.9 kB", 999_950: "1.0 MB",
		999_999_999: "1.0 GB", 1 << 62: "4.6 EB",
	} {
		if got := Bytes(n); got != want {
			t.Errorf("Bytes(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0:                         "0s",
		25_600 * time.Microsecond: "26ms",
		7640 * time.Millisecond:   "7.6s",
		75400 * time.Millisecond:  "1m15s",
	} {
		if got := Duration(d); got != want {
			t.Errorf("Duration(%d) = %q, want %q", d, got, want)
		}
	}
}

func TestNameAndText(t *testing.T) {
	for in, want := range map[string][2]string{
		"photo.jpg":     {"photo.jpg", "photo.jpg"},
		"Grüße, 你好 🙂":   {"Grüße, 你好 🙂", "Grüße, 你好 🙂"},
		"":              {`""`, ""},
		"a\x1b[2J\nb\t": {`"a\x1b[2J\nb\t"`, "a\uFFFD[2J b "},
		"\u202egpj":     {`"\u202egpj"`, "\uFFFDgpj"},
		"bad\xff":       {`"bad\xff"`, "bad\uFFFD"},
	} {
		if got := [2]string{Name(in), Text(in)}; got != want {
			t.Errorf("Name and Text of %q are %q, want %q", in, got, want)
		}
	}
}

func TestDescribe(t *testing.T) {
	const long = "a very long name, of which the middle is left out.jpg"
	for want, p := range map[string]filetransfer.Progress{
		"f    0%  0 B of 2.0 kB":                        {Name: "f", Total: 2000, Remaining: -1},
		"f   99%  2.0 kB of 2.0 kB  1.0 kB/s  1ms left": {Name: "f", Done: 1999, Total: 2000, Rate: 1000, Remaining: time.Millisecond},
		"f  100%  2.0 kB  1.0 kB/s  in 2s":              {Name: "f", Done: 2000, Total: 2000, Rate: 1000, Elapsed: 2 * time.Second},
		"f  100%  0 B  0 B/s  in 1ms":                   {Name: "f", Elapsed: time.Millisecond},
		"f  1.0 kB  500 B/s":                            {Name: "f", Done: 1000, Total: -1, Rate: 500, Remaining: -1},
		"a very long …eft out.jpg  1.0 kB  500 B/s":     {Name: long, Done: 1000, Total: -1, Rate: 500, Remaining: -1},
	} {
		if got := describe(p); got != want {
			t.Errorf("%+v is shown as %q, want %q", p, got, want)
		}
	}
}

func TestTerminal(t *testing.T) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	file, err := os.Create(filepath.Join(t.TempDir(), "file"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for _, f := range []*os.File{null, file} {
		if Terminal(f) {
			t.Errorf("%s passes for a terminal", f.Name())
		}
	}
	NewLine(null).Update(filetransfer.Progress{}) // must not panic
	NewLine(null).End()
}
