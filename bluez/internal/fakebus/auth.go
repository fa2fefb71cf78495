package fakebus

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"strings"
)

// authenticate plays the server's part of the handshake: mechanism EXTERNAL with any
// user, and descriptors. It reports whether the client may send messages. See
// "Authentication Protocol" in the D-Bus specification.
func authenticate(in *bufio.Reader, out io.Writer, id string) bool {
	if b, err := in.ReadByte(); err != nil || b != 0 {
		return false
	}
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return false
		}
		reply := "ERROR"
		switch words := strings.Fields(line); {
		case len(words) == 0:
		case words[0] == "AUTH" && len(words) == 3 && words[1] == "EXTERNAL":
			reply = "OK " + id
		case words[0] == "AUTH" && len(words) == 2 && words[1] == "EXTERNAL":
			reply = "DATA"
		case words[0] == "DATA":
			reply = "OK " + id
		case words[0] == "AUTH", words[0] == "CANCEL":
			reply = "REJECTED EXTERNAL"
		case words[0] == "NEGOTIATE_UNIX_FD":
			reply = "AGREE_UNIX_FD"
		case words[0] == "BEGIN":
			return true
		}
		if _, err := io.WriteString(out, reply+"\r\n"); err != nil {
			return false
		}
	}
}

// readFrame reads the bytes of a message without decoding it.
func readFrame(in *bufio.Reader) ([]byte, error) {
	fixed := make([]byte, 16)
	if _, err := io.ReadFull(in, fixed); err != nil {
		return nil, err
	}
	var order binary.ByteOrder = binary.LittleEndian
	if fixed[0] == 'B' {
		order = binary.BigEndian
	}
	body, header := uint64(order.Uint32(fixed[4:])), uint64(order.Uint32(fixed[12:]))
	rest := (header+7)/8*8 + body
	if rest > 1<<27 {
		return nil, errors.New("message is too long")
	}
	data := append(fixed, make([]byte, rest)...)
	_, err := io.ReadFull(in, data[16:])
	return data, err
}
