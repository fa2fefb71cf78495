package main

import (
	"errors"
	"math"
	"strconv"
)

// A reserve is the value of the flag --reserve: a number of bytes, as in
// filetransfer.Server. It is negative for 0 bytes.
type reserve int64

func (n *reserve) String() string {
	if *n == 0 {
		return "" // the help text has the default
	}
	return strconv.FormatInt(max(int64(*n), 0), 10)
}

func (n *reserve) Type() string { return "BYTES" }

func (n *reserve) Set(text string) error {
	number, err := parseBytes(text, math.MaxInt64)
	if err != nil {
		return errors.New("use a number of bytes, such as 64M or 2G, or 0")
	}
	*n = reserve(number)
	if number == 0 {
		*n = -1
	}
	return nil
}

// A partsTime is the value of the flag --keep-parts, as in filetransfer.Server. It is
// negative for 0, which means that the parts stay.
type partsTime struct{ duration }

func (d *partsTime) String() string {
	switch {
	case d.duration == 0:
		return "" // the help text has the default
	case d.duration < 0:
		return "0s"
	}
	return d.duration.String()
}

func (d *partsTime) Set(text string) error {
	var value duration
	if err := value.Set(text); err != nil {
		return errors.New("use a duration such as 12h or 720h, or 0")
	}
	if value < 0 {
		return errors.New("use 0 or more")
	}
	d.duration = value
	if value == 0 {
		d.duration = -1
	}
	return nil
}
