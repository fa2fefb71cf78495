package main

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// bytesText returns a number of bytes for people, such as "512 B" or "8.4 MB".
func bytesText(n int64) string {
	if n < 1000 {
		return fmt.Sprintf("%d B", n)
	}
	value, unit := float64(n)/1e3, 0
	for ; value >= 999.95 && unit < len("kMGTPE")-1; unit++ { // 999.95 would print as 1000.0
		value /= 1e3
	}
	return fmt.Sprintf("%.1f %cB", value, "kMGTPE"[unit])
}

// rateText returns a number of bytes per second for people.
func rateText(rate float64) string { return bytesText(int64(rate)) + "/s" }

// durationText returns a duration for people, such as "26ms" or "7.6s".
func durationText(d time.Duration) string {
	unit := time.Second
	switch {
	case d < time.Second:
		unit = time.Millisecond
	case d < 10*time.Second:
		unit = time.Second / 10
	}
	return d.Round(unit).String()
}

// parseBytes parses a number of bytes up to a limit, such as 4096, 64K, 1M or 2G.
func parseBytes(text string, limit int64) (int64, error) {
	digits, unit := text, int64(1)
	for i, suffix := range []string{"K", "M", "G"} {
		if number, ok := strings.CutSuffix(strings.ToUpper(text), suffix); ok {
			digits, unit = number, 1<<(10*(i+1))
		}
	}
	number, err := strconv.ParseUint(digits, 10, 63)
	if err != nil || int64(number) > limit/unit {
		return 0, errors.New("not a number of bytes")
	}
	return int64(number) * unit, nil
}

// A fileSize is the value of a flag: a size of more than 0.
type fileSize int64

func (n *fileSize) String() string {
	if *n == 0 {
		return "" // no default in the help text
	}
	return strconv.FormatInt(int64(*n), 10)
}

func (n *fileSize) Type() string { return "BYTES" }

func (n *fileSize) Set(text string) error {
	number, err := parseBytes(text, math.MaxInt64)
	if err != nil || number == 0 {
		return errors.New("use a number of bytes, such as 4096, 64K, 100M or 2G")
	}
	*n = fileSize(number)
	return nil
}
