package sdp

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

// add adds a record to a server.
func add(t testing.TB, s *Server, r *Record) (handle uint32) {
	t.Helper()
	handle, err := s.Add(r)
	if err != nil {
		t.Fatal(err)
	}
	return handle
}

// startClient returns a Client of the server with the given MTU for responses,
// and the channel that receives the result of ServeConn.
func startClient(t testing.TB, s *Server, mtu int) (*Client, <-chan error) {
	t.Helper()
	conn, served := startConn(s, mtu)
	c := NewClient(conn)
	t.Cleanup(func() { c.Close() })
	return c, served
}

// startConn is startClient for raw packets.
func startConn(s *Server, mtu int) (*hosttest.PacketConn, <-chan error) {
	client, server := hosttest.PacketPipe(maxPDUSize, mtu)
	return client, hosttest.InBackground(func() error { return s.ServeConn(context.Background(), server) })
}

// ask sends a request and returns the response.
func ask(t testing.TB, c net.Conn, r request) (pdu, error) {
	t.Helper()
	if _, err := c.Write(r.append(nil)); err != nil {
		return pdu{}, err
	}
	buf := make([]byte, maxPDUSize)
	n, err := c.Read(buf)
	if err != nil {
		return pdu{}, err
	}
	return parsePDU(buf[:n])
}

// wantEnd checks that the server has closed the connection.
func wantEnd(t testing.TB, c net.Conn) {
	t.Helper()
	if n, err := c.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("Read = %d, %v; want io.EOF", n, err)
	}
}

func TestServerAnswersClient(t *testing.T) {
	hosttest.CheckLeaksAtEnd(t)
	s := new(Server)
	want := testRecords(100)
	for i, r := range want {
		handle := add(t, s, r)
		if wantHandle, _ := want[i].Handle(); handle != wantHandle {
			t.Errorf("record %d has the handle %08x, want %08x", i, handle, wantHandle)
		}
	}
	for _, mtu := range []int{1000, 672, maxPDUSize} {
		c, served := startClient(t, s, mtu)
		got, err := c.Search(t.Context(), []UUID{SerialPort})
		if err != nil {
			t.Fatal(err)
		}
		checkRecords(t, got, want)
		handles, err := c.Services(t.Context(), ProtocolRFCOMM, SerialPort)
		if err != nil || len(handles) != 100 || handles[99] != 0x10063 {
			t.Errorf("Services = %x, %v", handles, err)
		}
		record, err := c.Attributes(t.Context(), 0x10007)
		if err != nil {
			t.Fatal(err)
		}
		checkRecords(t, []*Record{record}, want[7:8])
		_, err = c.Attributes(t.Context(), 0x10064)
		if response, ok := errors.AsType[*ResponseError](err); !ok || response.Code != InvalidRecordHandle {
			t.Errorf("Attributes of an unknown handle returned the error %v", err)
		}
		c.Close()
		if err := hosttest.Receive(t, served); err != nil {
			t.Errorf("ServeConn returned the error %v", err)
		}
	}
}

// A connection without the method MTUs gets responses of at most 672 bytes.
func TestServerDefaultMTU(t *testing.T) {
	s := new(Server)
	for _, r := range testRecords(20) {
		add(t, s, r)
	}
	client, server := hosttest.PacketPipe(maxPDUSize, maxPDUSize)
	go s.ServeConn(t.Context(), struct{ net.Conn }{server})
	defer client.Close()
	response, err := ask(t, client, searchAll)
	if size := pduHeaderSize + len(response.parameters); err != nil || size != defaultMTU {
		t.Errorf("the response has %d bytes (%v), want %d", size, err, defaultMTU)
	}
}

// brokenMTUs is a connection that reports MTUs that no channel has.
type brokenMTUs struct {
	net.Conn
	outgoing, incoming int
}

func (c brokenMTUs) MTUs() (outgoing, incoming int) { return c.outgoing, c.incoming }

func TestServerBoundsMTU(t *testing.T) {
	for _, tt := range []struct{ mtu, want int }{{-1, 48}, {0, 48}, {47, 48}, {48, 48}, {65535, 65535}, {1 << 20, 65535}} {
		if outgoing, incoming := mtus(brokenMTUs{outgoing: tt.mtu, incoming: tt.mtu}); outgoing != tt.want || incoming < minMTU {
			t.Errorf("with the MTU %d, responses have at most %d bytes and requests %d", tt.mtu, outgoing, incoming)
		}
	}
}

func TestServerEndsAtShortPacket(t *testing.T) {
	for n := range pduHeaderSize {
		c, served := startConn(new(Server), 672)
		if _, err := c.Write(make([]byte, n)); err != nil {
			t.Fatal(err)
		}
		wantEnd(t, c)
		if err := hosttest.Receive(t, served); err == nil {
			t.Errorf("after a packet of %d bytes, ServeConn returned no error", n)
		}
	}
}

func TestServeConnEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	client, server := hosttest.PacketPipe(672, 672)
	served := hosttest.InBackground(func() error { return new(Server).ServeConn(ctx, server) })
	if _, err := ask(t, client, searchAll); err != nil {
		t.Fatal(err)
	}
	cancel()
	wantEnd(t, client)
	if err := hosttest.Receive(t, served); err != context.Canceled {
		t.Errorf("ServeConn returned the error %v, want context.Canceled", err)
	}
	client, server = hosttest.PacketPipe(672, 672)
	if err := new(Server).ServeConn(ctx, server); err != context.Canceled {
		t.Errorf("after its context has ended, ServeConn returned the error %v", err)
	}
	wantEnd(t, client)
}

func TestServerEvictsMostSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &Server{MaxConns: 3}
		add(t, s, NewSerialPort("", 1))
		var conns []*hosttest.PacketConn
		var served []<-chan error
		connect := func() {
			c, result := startConn(s, 672)
			conns, served = append(conns, c), append(served, result)
			synctest.Wait()
			time.Sleep(time.Second) // of the bubble
		}
		use := func(i int) {
			if _, err := ask(t, conns[i], searchAll); err != nil {
				t.Errorf("connection %d: %v", i, err)
			}
			synctest.Wait()
			time.Sleep(time.Second)
		}
		for range 3 {
			connect()
		}
		use(0)
		connect() // takes the place of 1
		wantEnd(t, conns[1])
		if err := <-served[1]; err != errTooMany {
			t.Errorf("ServeConn returned the error %v, want %v", err, errTooMany)
		}
		use(2)
		use(3)
		connect() // takes the place of 0
		wantEnd(t, conns[0])
		for _, i := range []int{2, 3, 4} {
			use(i)
			conns[i].Close()
			if err := <-served[i]; err != nil {
				t.Errorf("connection %d: ServeConn returned the error %v", i, err)
			}
		}
	})
}

func TestServerMaxConnsDefault(t *testing.T) {
	s := new(Server)
	var conns []*hosttest.PacketConn
	for range defaultMaxConns + 1 {
		c, _ := startConn(s, 672)
		conns = append(conns, c)
		if _, err := ask(t, c, searchAll); err != nil {
			t.Fatal(err)
		}
	}
	wantEnd(t, conns[0])
	for i, c := range conns[1:] {
		if _, err := ask(t, c, searchAll); err != nil {
			t.Errorf("connection %d: %v", i+1, err)
		}
		c.Close()
	}
}

func TestServerIdleTimeout(t *testing.T) {
	for _, tt := range []struct{ timeout, want time.Duration }{{0, time.Minute}, {time.Second, time.Second}} {
		synctest.Test(t, func(t *testing.T) {
			s := &Server{IdleTimeout: tt.timeout}
			c, served := startConn(s, 672)
			begin := time.Now()
			time.Sleep(tt.want - 1)
			if _, err := ask(t, c, searchAll); err != nil { // begins the time anew
				t.Fatal(err)
			}
			wantEnd(t, c)
			if idle := time.Since(begin); idle != 2*tt.want-1 {
				t.Errorf("with IdleTimeout %v, the server closed a connection after %v", tt.timeout, idle)
			}
			if err := <-served; err != nil {
				t.Errorf("ServeConn returned the error %v", err)
			}
		})
	}
}

// A client that sends requests and reads no response is disconnected.
func TestServerWriteTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &Server{IdleTimeout: time.Second}
		c, served := startConn(s, 672)
		begin := time.Now()
		for {
			if _, err := c.Write(searchAll.append(nil)); err != nil {
				break
			}
		}
		if waited := time.Since(begin); waited != time.Second {
			t.Errorf("the server closed the connection after %v", waited)
		}
		if err := <-served; !isTimeout(err) {
			t.Errorf("ServeConn returned the error %v, want a timeout", err)
		}
	})
}

func isTimeout(err error) bool {
	timeout, ok := err.(net.Error)
	return ok && timeout.Timeout()
}

// A scriptedListener returns the errors in turn.
type scriptedListener struct {
	*hosttest.PacketListener
	errs []error
}

func (l *scriptedListener) Accept() (net.Conn, error) {
	if len(l.errs) == 0 {
		return l.PacketListener.Accept()
	}
	err := l.errs[0]
	l.errs = l.errs[1:]
	return nil, err
}

func TestServeRetriesAccept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &Server{Logger: slog.New(slog.DiscardHandler)}
		temporary := &net.OpError{Op: "accept", Err: syscall.EMFILE}
		l := &scriptedListener{hosttest.ListenPackets(672, 672), slices.Repeat([]error{temporary}, 10)}
		served := hosttest.InBackground(func() error { return s.Serve(l) })
		begin := time.Now()
		c, err := l.Dial()
		if err != nil {
			t.Fatal(err)
		}
		// 5 ms, doubled up to 1 s
		if want := (5 + 10 + 20 + 40 + 80 + 160 + 320 + 640 + 1000 + 1000) * time.Millisecond; time.Since(begin) != want {
			t.Errorf("Serve paused for %v, want %v", time.Since(begin), want)
		}
		if _, err := ask(t, c, searchAll); err != nil {
			t.Error(err)
		}
		s.Close()
		<-served
	})
}

func TestServeReturnsAcceptError(t *testing.T) {
	want := errors.New("broken")
	l := &scriptedListener{hosttest.ListenPackets(672, 672), []error{want}}
	if err := new(Server).Serve(l); err != want {
		t.Errorf("Serve returned the error %v, want %v", err, want)
	}
	if _, err := l.Dial(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Serve has not closed its listener: %v", err)
	}
}

// Many clients search while records come and go: each answer is consistent.
func TestServerConcurrentClients(t *testing.T) {
	s := new(Server)
	fixed := add(t, s, NewObjectPush("fixed", 1))
	stop := make(chan struct{})
	var changes sync.WaitGroup
	changes.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			handle, err := s.Add(NewObjectPush(strings.Repeat("x", 40), 2))
			if err != nil {
				t.Error(err)
			}
			if err := s.Update(fixed, NewObjectPush("fixed", 1)); err != nil {
				t.Error(err)
			}
			if err := s.Remove(handle); err != nil {
				t.Error(err)
			}
		}
	})
	var clients sync.WaitGroup
	for range 8 {
		clients.Go(func() {
			c, _ := startClient(t, s, 48)
			for range 20 {
				got, err := c.Search(t.Context(), []UUID{ObjectPush})
				if err != nil {
					t.Error(err)
					return
				}
				if handle, _ := got[0].Handle(); handle != fixed || len(got) > 2 {
					t.Errorf("the answer has %d records, the first with the handle %08x", len(got), handle)
				}
			}
		})
	}
	clients.Wait()
	close(stop)
	changes.Wait()
}
