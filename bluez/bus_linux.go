package bluez

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/godbus/dbus/v5"
	"golang.org/x/sys/unix"
)

// systemBusAddress is the address of the system bus by default (dbus-daemon(1)).
const systemBusAddress = "unix:path=/run/dbus/system_bus_socket"

// A busSocket is a connection to a message bus, for use by godbus. It receives
// descriptors itself, since godbus loses those that no value of the message
// refers to and those of messages that it drops.
type busSocket struct {
	*net.UnixConn
	address string
	begun   bool   // the authentication is over
	passing bool   // the bus passes descriptors
	message []byte // the part of the current message that Read has not returned yet
	control []byte // buffer for ancillary data

	mu          sync.Mutex
	closed      bool
	descriptors []int // of the current message
}

// maxDescriptors is the maximum number of descriptors of one sendmsg(2), SCM_MAX_FD
// in the kernel.
const maxDescriptors = 253

func newBusSocket(conn *net.UnixConn, address string) *busSocket {
	return &busSocket{UnixConn: conn, address: address, control: make([]byte, unix.CmsgSpace(maxDescriptors*4))}
}

// dialBus connects to the system bus, without authentication.
func dialBus(ctx context.Context) (*busSocket, error) {
	address := os.Getenv("DBUS_SYSTEM_BUS_ADDRESS")
	if address == "" {
		address = systemBusAddress
	}
	var errs []error
	for one := range strings.SplitSeq(address, ";") {
		path, err := unixPath(one)
		if err == nil {
			var conn net.Conn
			if conn, err = new(net.Dialer).DialContext(ctx, "unix", path); err == nil {
				return newBusSocket(conn.(*net.UnixConn), one), nil
			}
		}
		errs = append(errs, err)
	}
	return nil, connectError(ctx, address, errors.Join(errs...))
}

// unixPath returns the path of a Unix socket from an address of a bus (D-Bus
// Specification, "Server Addresses").
func unixPath(address string) (string, error) {
	keys, ok := strings.CutPrefix(address, "unix:")
	if !ok {
		return "", fmt.Errorf("unsupported bus address %q: want unix:path=…", address)
	}
	for key := range strings.SplitSeq(keys, ",") {
		name, value, _ := strings.Cut(key, "=")
		value, err := dbus.UnescapeBusAddressValue(value)
		switch {
		case err != nil:
			return "", fmt.Errorf("invalid bus address %q: %w", address, err)
		case name == "path":
			return value, nil
		case name == "abstract":
			return "@" + value, nil
		}
	}
	return "", fmt.Errorf("invalid bus address %q: want unix:path=…", address)
}

// authMethods returns the mechanisms for the user of the process.
func authMethods() []dbus.Auth {
	return []dbus.Auth{dbus.AuthExternal(strconv.Itoa(os.Geteuid()))}
}

// limit makes a context end reads and writes until stop is called, which reports
// false if the context has done so.
func (s *busSocket) limit(ctx context.Context) (stop func() bool) {
	return context.AfterFunc(ctx, func() { s.SetDeadline(time.Unix(1, 0)) })
}

// Write writes to the bus. It asks the bus to pass descriptors before BEGIN, the
// last line of the authentication.
func (s *busSocket) Write(p []byte) (int, error) {
	if !s.begun && string(p) == "BEGIN\r\n" {
		if _, err := s.UnixConn.Write([]byte("NEGOTIATE_UNIX_FD\r\n")); err != nil {
			return 0, err
		}
		line, err := s.readLine()
		if err != nil {
			return 0, err
		}
		s.passing = line == "AGREE_UNIX_FD"
		s.begun = true
	}
	return s.UnixConn.Write(p)
}

// readLine reads a line of the authentication.
func (s *busSocket) readLine() (string, error) {
	var line []byte
	for b := make([]byte, 1); len(line) < 1024; {
		if _, err := io.ReadFull(s.UnixConn, b); err != nil {
			return "", err
		}
		line = append(line, b...)
		if text, ok := strings.CutSuffix(string(line), "\r\n"); ok {
			return text, nil
		}
	}
	return "", errors.New("line too long")
}

// Read reads a part of a message. It reads from the socket up to the end of a
// message and not beyond, so that the descriptors that arrive are those of the
// message.
func (s *busSocket) Read(p []byte) (int, error) {
	if !s.begun {
		return s.UnixConn.Read(p)
	}
	if len(s.message) == 0 {
		closeAll(s.takeDescriptors())
		if err := s.readMessage(); err != nil {
			closeAll(s.takeDescriptors())
			return 0, err
		}
	}
	n := copy(p, s.message)
	s.message = s.message[n:]
	return n, nil
}

// The fixed part of the header, and the limit of a message (D-Bus
// Specification, "Message Format").
const (
	headerSize   = 16
	messageLimit = 1 << 27
)

// readMessage reads the next message.
func (s *busSocket) readMessage() error {
	message, err := s.readFull(nil, headerSize)
	if err != nil {
		return err
	}
	var order binary.ByteOrder = binary.LittleEndian
	if message[0] == 'B' {
		order = binary.BigEndian
	}
	body, fields := uint64(order.Uint32(message[4:])), uint64(order.Uint32(message[12:]))
	size := (fields+7)&^7 + body
	if size > messageLimit {
		return errors.New("message too long")
	}
	s.message, err = s.readFull(message, int(size))
	return err
}

// readFull appends size bytes from the socket.
func (s *busSocket) readFull(b []byte, size int) ([]byte, error) {
	const step = 1 << 16 // limits the memory for a message that does not come
	for size > 0 {
		start := len(b)
		b = append(b, make([]byte, min(size, step))...)
		n, controlled, _, _, err := s.ReadMsgUnix(b[start:], s.control)
		s.addDescriptors(s.control[:controlled])
		if err != nil {
			return nil, err
		}
		if n == 0 {
			return nil, io.EOF
		}
		b, size = b[:start+n], size-n
	}
	return b, nil
}

func (s *busSocket) addDescriptors(control []byte) {
	messages, err := unix.ParseSocketControlMessage(control)
	if err != nil {
		return
	}
	for _, m := range messages {
		if fds, err := unix.ParseUnixRights(&m); err == nil {
			s.keepDescriptors(fds)
		}
	}
}

func (s *busSocket) keepDescriptors(fds []int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		closeAll(fds)
		return
	}
	s.descriptors = append(s.descriptors, fds...)
}

// takeDescriptors returns the descriptors of the message that was read last.
func (s *busSocket) takeDescriptors() []int {
	s.mu.Lock()
	defer s.mu.Unlock()
	fds := s.descriptors
	s.descriptors = nil
	return fds
}

// Close closes the socket and the descriptors that have not been taken.
func (s *busSocket) Close() error {
	err := s.UnixConn.Close()
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	closeAll(s.takeDescriptors())
	return err
}

// closeAll closes descriptors, except those that are negative.
func closeAll(fds []int) {
	for _, fd := range fds {
		if fd >= 0 {
			unix.Close(fd)
		}
	}
}
