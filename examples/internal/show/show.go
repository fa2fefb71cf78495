// Package show formats names, sizes and the progress of a transfer for people.
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

// Bytes formats a number of bytes, such as "512 B" or "8.4 MB".
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

// Rate formats a rate in bytes per second, such as "1.1 MB/s".
func Rate(bytesPerSecond float64) string {
	return Bytes(int64(bytesPerSecond)) + "/s"
}

// Duration formats a duration, such as "26ms" or "7.6s".
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

// Name returns a name, quoted if it contains characters that could change the
// display of a terminal. Names are sent by a peer, which may be hostile.
func Name(name string) string {
	if name != "" && printable(name) {
		return name
	}
	return strconv.Quote(name)
}

// Text returns the text as one line. Characters that could change the display
// of a terminal are replaced.
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
