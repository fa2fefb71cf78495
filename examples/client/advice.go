package main

import (
	"errors"
	"io/fs"
	"strings"

	"github.com/go-rfcomm/rfcomm/filetransfer"
)

// An advisedError is an error with what a person can do about it.
type advisedError struct {
	error
	advice string
}

func (e *advisedError) Unwrap() error { return e.error }

// advise returns what a person can do about an error, or "".
func advise(err error, o *options) string {
	if advised, ok := errors.AsType[*advisedError](err); ok {
		return advised.advice
	}
	switch {
	case strings.Contains(err.Error(), "try the plain"):
		return "\"get -plain NAME\" speaks the plain dialect, which has get alone"
	case errors.Is(err, fs.ErrExist) && o.command == "put":
		return "-f would replace what is there"
	case errors.Is(err, filetransfer.ErrRefused) && o.command == "put":
		return "the server takes files if it was started with -uploads DIR"
	default:
		return ""
	}
}
