package main

import (
	"errors"
	"io/fs"
	"os"
	"strings"

	"github.com/go-rfcomm/rfcomm/filetransfer"
)

// An advisedError is an error with advice for the user.
type advisedError struct {
	error
	advice string
}

func (e *advisedError) Unwrap() error { return e.error }

// advise returns advice for the user about an error, or "".
func advise(err error, o *options) string {
	if advised, ok := errors.AsType[*advisedError](err); ok {
		return advised.advice
	}
	switch {
	case strings.Contains(err.Error(), "try the plain"):
		return "use the plain dialect with \"get -plain NAME\"; it supports only get"
	case errors.Is(err, fs.ErrExist) && o.command == "put":
		return "replace the existing file with -f"
	case errors.Is(err, fs.ErrExist):
		return adviseTaken(o.output)
	case errors.Is(err, filetransfer.ErrRefused) && o.command == "put" && o.overwrite:
		return "start the server with -uploads DIR -replace, so that it replaces files"
	case errors.Is(err, filetransfer.ErrRefused) && o.command == "put":
		return "start the server with -uploads DIR, so that it accepts files"
	default:
		return ""
	}
}

// adviseTaken returns advice about a get to a path that exists.
func adviseTaken(path string) string {
	advice := "write to another file with \"get -o FILE\""
	if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
		advice += ", or replace the existing file with -f"
	}
	return advice
}
