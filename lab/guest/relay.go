//go:build linux

package main

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// relay reads the frames of the port from standard input, outside the machine,
// passes the command's output on, and writes the reports to a file. It returns
// after the last report, or when the machine has ended.
func relay(reports string) error {
	file, err := os.OpenFile(reports, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	defer file.Close()
	in := bufio.NewReaderSize(os.Stdin, 1<<16)
	for {
		kind, content, err := readFrame(in)
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil // the machine ended, or crashed in the middle of a frame
		}
		if err != nil {
			return err
		}
		switch kind {
		case frameOutput:
			if _, err := os.Stdout.Write(content); err != nil {
				return err
			}
		case frameReport:
			if _, err := fmt.Fprintln(file, string(content)); err != nil {
				return err
			}
			word, _, _ := strings.Cut(string(content), " ")
			if word == reportExit || word == reportFailed {
				return nil
			}
		default:
			return fmt.Errorf("the machine sent a frame of unknown kind %q", kind)
		}
	}
}

func readFrame(in io.Reader) (kind byte, content []byte, err error) {
	var head [5]byte
	if _, err := io.ReadFull(in, head[:]); err != nil {
		return 0, nil, err
	}
	content = make([]byte, binary.BigEndian.Uint32(head[1:]))
	_, err = io.ReadFull(in, content)
	return head[0], content, err
}
