package filetransfer_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"log/slog"
	"net"
	"net/textproto"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-rfcomm/rfcomm/filetransfer"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

// A rawPeer is a peer whose messages a test sends and reads byte by byte, valid
// or not.
type rawPeer struct {
	testing.TB
	net.Conn
	reader *bufio.Reader
	sync.WaitGroup
}

func newRawPeer(t testing.TB, c net.Conn) *rawPeer {
	t.Cleanup(func() { c.Close() })
	return &rawPeer{TB: t, Conn: c, reader: bufio.NewReader(c)}
}

// send sends text. It stops if the other side reads no more.
func (p *rawPeer) send(text ...string) { io.WriteString(p.Conn, strings.Join(text, "")) }

// sendForever sends the text repeatedly, with pauses, until the other side
// reads no more.
func (p *rawPeer) sendForever(pause time.Duration, text string) {
	for {
		if _, err := io.WriteString(p.Conn, text); err != nil {
			return
		}
		time.Sleep(pause)
	}
}

// sendSlowly sends the text one byte at a time.
func (p *rawPeer) sendSlowly(text string, pause time.Duration) {
	for i := range len(text) {
		if _, err := io.WriteString(p.Conn, text[i:i+1]); err != nil {
			return
		}
		time.Sleep(pause)
	}
}

// expect reads the next bytes, which must be want.
func (p *rawPeer) expect(want string) {
	p.Helper()
	got := make([]byte, len(want))
	n, err := io.ReadFull(p.reader, got)
	if string(got[:n]) != want {
		p.Errorf("read %q, %v, want %q", got[:n], err, want)
	}
}

// awaitData waits for a byte without reading it.
func (p *rawPeer) awaitData() {
	p.Helper()
	if _, err := p.reader.Peek(1); err != nil {
		p.Error(err)
	}
}

// readRest reads until the other side closes the connection.
func (p *rawPeer) readRest() string {
	rest, _ := io.ReadAll(p.reader)
	return string(rest)
}

// readBlock reads a message of the framed dialect, and returns the word of its
// first line and its fields.
func (p *rawPeer) readBlock() (word string, fields textproto.MIMEHeader) {
	p.Helper()
	lines := textproto.NewReader(p.reader)
	first, err := lines.ReadLine()
	if err == nil {
		fields, err = lines.ReadMIMEHeader()
	}
	word, ok := strings.CutPrefix(strings.TrimPrefix(first, "\x00"), "filetransfer/1 ")
	if err != nil || !ok {
		p.Errorf("heard %q, %v, want a message", first, err)
	}
	return word, fields
}

// readBlockOrEnd is readBlock, and returns "" if the other side closes the
// connection instead.
func (p *rawPeer) readBlockOrEnd() (word string, fields textproto.MIMEHeader) {
	p.Helper()
	if _, err := p.reader.Peek(1); err != nil {
		return "", nil
	}
	return p.readBlock()
}

// readWord reads a message that must have the word want.
func (p *rawPeer) readWord(want string) textproto.MIMEHeader {
	p.Helper()
	word, fields := p.readBlock()
	if word != want {
		p.Errorf("heard %s %v, want %s", word, fields, want)
	}
	return fields
}

// readContent reads content up to its end, without the message that follows.
func (p *rawPeer) readContent() string {
	p.Helper()
	var content strings.Builder
	for {
		var n int64
		if _, err := fmt.Fscanf(p.reader, "%x\r\n", &n); err != nil {
			p.Errorf("no length of a chunk: %v", err)
			return ""
		}
		if n == 0 {
			return content.String()
		}
		if _, err := io.CopyN(&content, p.reader, n); err != nil {
			p.Error(err)
		}
		p.expect("\r\n")
	}
}

// message returns a message of the framed dialect with fields "Key: value".
func message(word string, fields ...string) string {
	text := strings.Join(append([]string{"filetransfer/1 " + word}, fields...), "\r\n") + "\r\n"
	return fmt.Sprintf("%sCRC-32: %08x\r\n\r\n", text, crc32.ChecksumIEEE([]byte(text)))
}

// request returns a request of the framed dialect.
func request(method string, fields ...string) string { return "\x00" + message(method, fields...) }

// chunk returns a chunk of content.
func chunk(content string) string { return fmt.Sprintf("%x\r\n%s\r\n", len(content), content) }

// Checksums of contents.
const (
	sumOfNothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	sumOfHello   = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
)

// A logbook keeps log records.
type logbook struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *logbook) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *logbook) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func (b *logbook) logger() *slog.Logger { return slog.New(slog.NewTextHandler(b, nil)) }

// wantDropped checks that exactly one client was dropped, for the reason.
func (b *logbook) wantDropped(t testing.TB, reason string) {
	t.Helper()
	var dropped []string
	for line := range strings.Lines(b.String()) {
		if strings.Contains(line, "client dropped") {
			dropped = append(dropped, line)
		}
	}
	if len(dropped) != 1 || !strings.Contains(dropped[0], reason) {
		t.Errorf("dropped are %q, want one, for %q; the log is\n%s", dropped, reason, b)
	}
}

// A pipeListener accepts pipes and has a backlog.
type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newPipeListener() *pipeListener {
	return &pipeListener{conns: make(chan net.Conn, 8), closed: make(chan struct{})}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *pipeListener) Addr() net.Addr { return pipeAddr{} }

type pipeAddr struct{}

func (pipeAddr) Network() string { return "pipe" }
func (pipeAddr) String() string  { return "pipe" }

// dial returns the client's end of a new connection.
func (l *pipeListener) dial() net.Conn {
	client, server := net.Pipe()
	l.conns <- server
	return client
}

// A testServer is a server with its own listener.
type testServer struct {
	*filetransfer.Server
	dial   func() net.Conn
	log    *logbook
	served <-chan error // result of Serve
}

// startServer starts Serve on a new listener of a network.
func startServer(t testing.TB, network string, s *filetransfer.Server) *testServer {
	t.Helper()
	c := &testServer{Server: s, log: new(logbook)}
	s.Logger = c.log.logger()
	var listener net.Listener
	listener, c.dial = listen(t, network)
	served := make(chan error, 1)
	go func() { served <- s.Serve(listener) }()
	c.served = served
	return c
}

// connectRaw returns a client that has read the prompt.
func (c *testServer) connectRaw(t testing.TB) *rawPeer {
	t.Helper()
	p := newRawPeer(t, c.dial())
	p.expect(filetransfer.Prompt)
	return p
}

// stop closes the server, which must have been serving until now.
func (c *testServer) stop(t testing.TB) {
	t.Helper()
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if err := hosttest.Receive(t, c.served); !errors.Is(err, filetransfer.ErrServerClosed) {
		t.Errorf("Serve: %v", err)
	}
}
