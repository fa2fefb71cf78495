// Package show writes names, sizes and the progress of a transfer for people to
// read.
package show

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Bytes returns a number of bytes, such as "512 B" or "8.4 MB".
func Bytes(n int64) string {
	if n < 1000 {
		return fmt.Sprintf("%d B", n)
	}
	value, unit := float64(n)/1e3, 0
	for ; value >= 999.95 && unit < len("kMGTPE")-1; unit++ { // 999.95 would print as 1000.0
		value /= 1e3
	}
	return fmt.Sprintf("%.1f %cB", value, "kMGTPE"[unit])
}

// Rate returns a rate in bytes a second, such as "1.1 MB/s".
func Rate(bytesPerSecond float64) string {
	return Bytes(int64(bytesPerSecond)) + "/s"
}

// Duration returns a time, such as "26ms" or "7.6s".
func Duration(d time.Duration) string {
	unit := time.Second
	switch {
	case d < time.Second:
		unit = time.Millisecond
	case d < 10*time.Second:
		unit = time.Second / 10
	}
	return d.Round(unit).String()
}

// Name returns a name as it is, or quoted if it holds anything that could
// change what a terminal shows. Names come from the other side of a connection,
// which need not be a friend.
func Name(name string) string {
	if name != "" && printable(name) {
		return name
	}
	return strconv.Quote(name)
}

// Text returns the text in one line, with everything that could change what a
// terminal shows replaced.
func Text(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t' || r == '\n':
			return ' '
		case unicode.IsPrint(r):
			return r
		default:
			return unicode.ReplacementChar
		}
	}, text)
}

func printable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) })
}

// Terminal reports whether a file is a terminal: a device that is not the null
// device.
func Terminal(f *os.File) bool {
	info, err := f.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return false
	}
	null, err := os.Stat(os.DevNull)
	return err != nil || !os.SameFile(info, null)
}
