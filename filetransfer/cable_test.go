package filetransfer_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/iotest"
	"time"

	"github.com/go-rfcomm/rfcomm/filetransfer"
)

// A direction of a cable.
type direction int

const (
	toServer direction = iota
	toClient
)

func (d direction) String() string { return []string{"to server", "to client"}[d] }

var directions = []direction{toServer, toClient}

// A fault is an action of a cable after it has carried a number of bytes in one
// direction.
type fault struct {
	to    direction
	after int
	flip  byte  // flips these bits of the next byte; 0: the cable is cut
	late  bool  // the sender detects the cut only after lateness
	err   error // error of reads after the cut
}

func (f fault) String() string {
	switch {
	case f.flip != 0:
		return fmt.Sprintf("bits %#02x flipped after %d bytes %v", f.flip, f.after, f.to)
	case f.late:
		return fmt.Sprintf("cut after %d bytes %v, of which the sender learns late", f.after, f.to)
	default:
		return fmt.Sprintf("cut after %d bytes %v", f.after, f.to)
	}
}

// A sender that detects the cut late can keep sending for the duration
// lateness, or until it has sent lostBytes, as if the data was in transit.
const (
	lateness  = 5 * time.Second
	lostBytes = 64 << 10
)

// A cable wraps both ends of a connection and counts the bytes carried.
type cable struct {
	client, server net.Conn
	fault          *fault

	mu      sync.Mutex
	carried [2]int // bytes in each direction
	heard   [2]int // bytes that were read; a cut loses the rest
	lost    int    // bytes sent after the cut
	broken  [2]bool
}

// newCable returns a cable for a new connection. A nil fault means no fault.
func newCable(f *fault, connection func() (client, server net.Conn)) *cable {
	client, server := connection()
	c := &cable{fault: f}
	c.client = &end{Conn: client, cable: c, to: toServer}
	c.server = &end{Conn: server, cable: c, to: toClient}
	return c
}

// bytes returns the number of bytes carried in a direction.
func (c *cable) bytes(d direction) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.carried[d]
}

// read returns the number of bytes read at the end of a direction.
func (c *cable) read(d direction) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.heard[d]
}

// An end is one end of a cable.
type end struct {
	net.Conn
	cable *cable
	to    direction // direction in which it sends
}

// Read reads data of the other end.
func (e *end) Read(p []byte) (int, error) {
	if e.broken() {
		return 0, e.cable.fault.err
	}
	n, err := e.Conn.Read(p)
	e.cable.mu.Lock()
	e.cable.heard[1-e.to] += n
	e.cable.mu.Unlock()
	if err != nil && e.broken() {
		err = e.cable.fault.err
	}
	return n, err
}

// broken reports whether the end has detected the cut.
func (e *end) broken() bool {
	e.cable.mu.Lock()
	defer e.cable.mu.Unlock()
	return e.cable.broken[e.to]
}

// Write sends p, up to the fault of the cable.
func (e *end) Write(p []byte) (int, error) {
	c := e.cable
	if e.broken() {
		return 0, &net.OpError{Op: "write", Err: syscall.EPIPE}
	}
	c.mu.Lock()
	before, lost := c.carried[e.to], c.lost
	c.mu.Unlock()
	f := c.fault
	if f == nil || f.to != e.to || before+len(p) < f.after || f.flip != 0 && before+len(p) == f.after {
		return e.pass(p)
	}
	left := f.after - before
	switch {
	case f.flip != 0 && left < 0:
		return e.pass(p)
	case f.flip != 0:
		p = slices.Clone(p)
		p[left] ^= f.flip
		return e.pass(p)
	case lost > 0:
		return e.swallow(p)
	}
	n, err := e.pass(p[:left])
	if err != nil {
		return n, err
	}
	c.cut()
	if f.late {
		m, err := e.swallow(p[left:])
		return n + m, err
	}
	if n < len(p) {
		err = &net.OpError{Op: "write", Err: syscall.EPIPE}
	}
	return n, err
}

// pass sends p.
func (e *end) pass(p []byte) (n int, err error) {
	if len(p) > 0 {
		n, err = e.Conn.Write(p)
	}
	e.cable.mu.Lock()
	defer e.cable.mu.Unlock()
	e.cable.carried[e.to] += n
	if err != nil && e.cable.broken[e.to] {
		err = &net.OpError{Op: "write", Err: syscall.EPIPE}
	}
	return n, err
}

// swallow accepts p although it cannot arrive any more.
func (e *end) swallow(p []byte) (int, error) {
	c := e.cable
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lost += len(p) + 1
	if c.lost > lostBytes {
		return 0, &net.OpError{Op: "write", Err: syscall.ECONNRESET}
	}
	return len(p), nil
}

// cut breaks the receiving end now, and the sending end now or late.
func (c *cable) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	receives := 1 - c.fault.to
	c.broken[receives] = true
	if !c.fault.late {
		c.broken[c.fault.to] = true
		c.close()
		return
	}
	for _, conn := range []net.Conn{c.client, c.server} {
		if e := conn.(*end); e.to == receives {
			e.Conn.SetDeadline(time.Unix(1, 0))
		}
	}
	time.AfterFunc(lateness, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.broken[c.fault.to] = true
		c.close()
	})
}

func (c *cable) close() {
	c.client.(*end).Conn.Close()
	c.server.(*end).Conn.Close()
}

// Close closes the end. After a cut that the other end detects late, Close does
// nothing, so that the other end does not detect it earlier.
func (e *end) Close() error {
	if e.broken() {
		return nil
	}
	return e.Conn.Close()
}

func (e *end) SetDeadline(t time.Time) error {
	if e.broken() {
		return nil
	}
	return e.Conn.SetDeadline(t)
}

func (e *end) SetReadDeadline(t time.Time) error {
	if e.broken() {
		return nil
	}
	return e.Conn.SetReadDeadline(t)
}

func (e *end) SetWriteDeadline(t time.Time) error {
	if e.broken() {
		return nil
	}
	return e.Conn.SetWriteDeadline(t)
}

// endErrors are the errors that reads can return after a cut. The kernel
// returns ECONNRESET on RFCOMM also after a regular close; package rfcomm turns
// that into io.EOF.
var endErrors = []error{
	io.EOF,
	&net.OpError{Op: "read", Err: os.NewSyscallError("read", syscall.ECONNRESET)},
	&net.OpError{Op: "read", Err: os.NewSyscallError("read", syscall.ETIMEDOUT)},
}

// memoryDir returns an empty directory. It is in memory if the system has
// /dev/shm, because each received file is synced.
func memoryDir(t testing.TB) string {
	t.Helper()
	path, err := os.MkdirTemp("/dev/shm", "filetransfer")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(path) })
	return path
}

// A place has the source and the destination of a transfer.
type place struct {
	content  string            // of the file
	info     filetransfer.Info // of the file, without checksum
	from, to *os.Root
	fromDir  string // with the file "file"
	toDir    string // destination, also named "file"
}

// newPlace returns a place whose source file has the content.
func newPlace(t testing.TB, content string) *place {
	t.Helper()
	path := memoryDir(t)
	p := &place{
		info:    filetransfer.Info{Name: "file", ModTime: time.Date(2026, 11, 22, 19, 30, 59, 123456789, time.UTC)},
		fromDir: filepath.Join(path, "from"),
		toDir:   filepath.Join(path, "to"),
	}
	for _, dir := range []string{p.fromDir, p.toDir} {
		if err := os.Mkdir(dir, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	p.offer(t, content)
	p.from, p.to = openDir(t, p.fromDir), openDir(t, p.toDir)
	return p
}

// offer replaces the content of the source file.
func (p *place) offer(t testing.TB, content string) {
	t.Helper()
	file := filepath.Join(p.fromDir, "file")
	os.Remove(file)
	err := os.WriteFile(file, []byte(content), 0o640)
	if err == nil {
		err = os.Chtimes(file, time.Time{}, p.info.ModTime)
	}
	if err != nil {
		t.Fatal(err)
	}
	stat, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	p.content, p.info.Size, p.info.Mode = content, int64(len(content)), stat.Mode()
}

// close closes the directories.
func (p *place) close() {
	p.from.Close()
	p.to.Close()
}

// clear removes the received files.
func (p *place) clear(t testing.TB) {
	t.Helper()
	for _, name := range []string{"file", "file.part"} {
		if err := p.to.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
	}
}

// server returns a server that offers the file and accepts uploads.
func (p *place) server() *filetransfer.Server {
	return &filetransfer.Server{FS: p.from.FS(), Uploads: filetransfer.NewDir(p.to), Replace: true, Logger: quiet}
}

// wantWholeOrNone checks that the destination has the complete file or none,
// and otherwise only a part that can be resumed. It reports whether the file
// exists.
func (p *place) wantWholeOrNone(t testing.TB) (whole bool) {
	t.Helper()
	entries, err := os.ReadDir(p.toDir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		switch entry.Name() {
		case "file":
			whole = true
			p.wantWhole(t)
		case "file.part":
			if len(readFile(t, filepath.Join(p.toDir, "file.part"))) == 0 {
				t.Error("an empty part was left")
			}
		default:
			t.Errorf("%q appeared", entry.Name())
		}
	}
	return whole
}

// wantWhole checks the received file.
func (p *place) wantWhole(t testing.TB) {
	t.Helper()
	path := filepath.Join(p.toDir, "file")
	if got := readFile(t, path); got != p.content {
		t.Errorf("the received file differs: %d bytes instead of %d", len(got), len(p.content))
	}
	stat, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if stat.Mode() != p.info.Mode || !stat.ModTime().Equal(p.info.ModTime) {
		t.Errorf("it has the mode %v and time %v, want %v and %v", stat.Mode(), stat.ModTime(), p.info.Mode, p.info.ModTime)
	}
}

// wantInfo checks the Info of the file.
func (p *place) wantInfo(t testing.TB, got filetransfer.Info) {
	t.Helper()
	if got.Name != p.info.Name || got.Size != p.info.Size || got.Mode != p.info.Mode || !got.ModTime.Equal(p.info.ModTime) {
		t.Errorf("got %+v, want %+v", got, p.info)
	}
}

// A job is an operation of a client.
type job struct {
	name string
	// do runs the operation and, if it succeeds, checks its result.
	do func(t testing.TB, ctx context.Context, c net.Conn, p *place) error
	// data is the direction of most bytes.
	data direction
	// resumes means that the operation leaves a part file and resumes from it.
	resumes bool
}

// framedTransfers are the transfers of the framed dialect.
var framedTransfers = []job{
	{name: "get", data: toClient, do: func(t testing.TB, ctx context.Context, c net.Conn, p *place) error {
		var got bytes.Buffer
		info, err := filetransfer.NewClient(c).Get(ctx, "file", &got)
		if err == nil {
			p.wantInfo(t, info)
			wantSum(t, info, p.content)
			if got.String() != p.content {
				t.Errorf("got %d bytes that are not the %d of the file", got.Len(), len(p.content))
			}
		}
		return err
	}},
	{name: "download", data: toClient, resumes: true, do: func(t testing.TB, ctx context.Context, c net.Conn, p *place) error {
		info, err := filetransfer.NewClient(c).Download(ctx, "file", filepath.Join(p.toDir, "file"))
		if err == nil {
			p.wantInfo(t, info)
			wantSum(t, info, p.content)
			p.wantWhole(t)
		}
		return err
	}},
	{name: "put", data: toServer, do: func(t testing.TB, ctx context.Context, c net.Conn, p *place) error {
		err := doPut(ctx, filetransfer.NewClient(c), "file", strings.NewReader(p.content), p.info)
		if err == nil {
			p.wantWhole(t)
		}
		return err
	}},
	{name: "put of unknown size", data: toServer, do: func(t testing.TB, ctx context.Context, c net.Conn, p *place) error {
		info := p.info
		info.Size = -1
		err := doPut(ctx, filetransfer.NewClient(c), "file", iotest.HalfReader(strings.NewReader(p.content)), info)
		if err == nil {
			p.wantWhole(t)
		}
		return err
	}},
	{name: "upload", data: toServer, resumes: true, do: func(t testing.TB, ctx context.Context, c net.Conn, p *place) error {
		err := doUpload(ctx, filetransfer.NewClient(c), filepath.Join(p.fromDir, "file"), "file")
		if err == nil {
			p.wantWhole(t)
		}
		return err
	}},
}

// run runs a job over a cable and returns the errors of both sides.
func (j job) run(t testing.TB, ctx context.Context, c *cable, p *place) (client, server error) {
	t.Helper()
	served := make(chan error, 1)
	go func() { served <- p.server().ServeConn(ctx, c.server) }()
	client = j.do(t, ctx, c.client, p)
	c.client.Close()
	return client, <-served
}
