package sdp

import (
	"bytes"
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

func TestServerAddCopies(t *testing.T) {
	s := new(Server)
	r := NewSerialPort("before", 1)
	r.Set(AttributeServiceRecordHandle, Uint32(77))
	handle := add(t, s, r)
	if got, _ := r.Handle(); got != 77 {
		t.Errorf("Add has set the handle of the caller's record to %08x", got)
	}
	r.Set(AttributeServiceName, Text("after"))
	c, _ := startClient(t, s, 672)
	got, err := c.Attributes(t.Context(), handle)
	if err != nil {
		t.Fatal(err)
	}
	if published, _ := got.Handle(); got.Name() != "before" || published != handle {
		t.Errorf("the server has the name %q and the handle %08x", got.Name(), published)
	}
}

func TestServerHandlesAreNotReused(t *testing.T) {
	s := new(Server)
	for want := uint32(0x10000); want < 0x10005; want++ {
		handle := add(t, s, NewSerialPort("", 1))
		if handle != want {
			t.Errorf("Add returned the handle %08x, want %08x", handle, want)
		}
		if err := s.Remove(handle); err != nil {
			t.Error(err)
		}
	}
	s.database.next = 0xffffffff
	if handle := add(t, s, NewSerialPort("", 1)); handle != 0xffffffff {
		t.Errorf("Add returned the handle %08x", handle)
	}
	if handle, err := s.Add(NewSerialPort("", 1)); err == nil {
		t.Errorf("Add returned the handle %08x after the last", handle)
	}
}

func TestServerUnknownHandle(t *testing.T) {
	s := new(Server)
	handle := add(t, s, NewSerialPort("", 1))
	for handle, want := range map[uint32]string{0: "the server's own", 1: "0x00000001", handle + 1: "0x00010001"} {
		for _, err := range []error{s.Remove(handle), s.Update(handle, NewSerialPort("", 1))} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("handle %08x: the error is %v, want one that contains %q", handle, err, want)
			}
		}
	}
	if err := s.Remove(handle); err != nil {
		t.Error(err)
	}
	if err := s.Remove(handle); err == nil {
		t.Error("Remove removes a record twice")
	}
}

func TestServerAddRefuses(t *testing.T) {
	set := func(id AttributeID, value DataElement) *Record {
		r := NewSerialPort("", 1)
		r.Set(id, value)
		return r
	}
	stack := func(e ...DataElement) DataElement {
		return Sequence(Sequence(append([]DataElement{UUIDElement(ProtocolRFCOMM)}, e...)...))
	}
	uuid, deep := UUIDElement(SerialPort), Text("")
	for range MaxDepth - 1 {
		deep = Sequence(deep)
	}
	for name, tt := range map[string]struct {
		record *Record
		want   string
	}{
		"nil":                   {nil, "nil"},
		"empty":                 {new(Record), "no service class"},
		"no class":              {set(AttributeServiceClassIDList, Sequence()), "no service class"},
		"class is no list":      {set(AttributeServiceClassIDList, uuid), "no service class"},
		"class and a number":    {set(AttributeServiceClassIDList, Sequence(uuid, Uint16(0x1101))), "ServiceClassIDList must be a sequence of UUIDs"},
		"state of 2 bytes":      {set(AttributeServiceRecordState, Uint16(1)), "ServiceRecordState must be a uint32"},
		"id is a number":        {set(AttributeServiceID, Uint16(1)), "ServiceID must be a UUID"},
		"protocols are flat":    {set(AttributeProtocolDescriptorList, Sequence(uuid)), "ProtocolDescriptorList must be"},
		"alternative of none":   {set(AttributeProtocolDescriptorList, Alternative()), "ProtocolDescriptorList must be"},
		"protocol without UUID": {set(AttributeProtocolDescriptorList, Sequence(Sequence(Uint8(1)))), "ProtocolDescriptorList must be"},
		"channel 0":             {set(AttributeProtocolDescriptorList, stack(Uint8(0))), "RFCOMM channel in the attribute ProtocolDescriptorList: "},
		"channel 31":            {set(AttributeProtocolDescriptorList, Alternative(stack(Uint8(30)), stack(Uint8(31)))), "RFCOMM channel"},
		"channel is a text":     {set(AttributeProtocolDescriptorList, stack(Text("1"))), "RFCOMM channel"},
		"no channel":            {set(AttributeProtocolDescriptorList, stack()), "RFCOMM channel"},
		"no browse group":       {set(AttributeBrowseGroupList, Sequence()), "BrowseGroupList must be"},
		"two of three":          {set(AttributeLanguageBaseAttributeIDList, Sequence(Uint16(1), Uint16(2))), "three for each language"},
		"time to live":          {set(AttributeServiceInfoTimeToLive, Uint8(1)), "ServiceInfoTimeToLive must be a uint32"},
		"availability":          {set(AttributeServiceAvailability, Uint16(1)), "ServiceAvailability must be a uint8"},
		"profile":               {set(AttributeProfileDescriptorList, Sequence(Sequence(uuid))), "ProfileDescriptorList must be"},
		"profile version":       {set(AttributeProfileDescriptorList, Sequence(Sequence(uuid, Uint8(1)))), "ProfileDescriptorList must be"},
		"documentation":         {set(AttributeDocumentationURL, Text("http://")), "DocumentationURL must be a URL"},
		"executable":            {set(AttributeClientExecutableURL, Text("http://")), "ClientExecutableURL must be a URL"},
		"icon":                  {set(AttributeIconURL, Text("http://")), "IconURL must be a URL"},
		"additional protocols":  {set(AttributeAdditionalProtocolDescriptorLists, stack(Uint8(1))), "AdditionalProtocolDescriptorLists must be"},
		"too deep":              {set(0x300, deep), ErrTooDeep.Error()},
		"too large":             {set(0x300, Text(strings.Repeat("x", MaxSize))), ErrTooLarge.Error()},
	} {
		s := new(Server)
		if _, err := s.Add(tt.record); err == nil || !strings.Contains(err.Error(), tt.want) || len(err.Error()) > 400 {
			t.Errorf("%s: Add returned the error %v, want one that contains %q", name, err, tt.want)
		}
		if err := s.Update(0x10000, tt.record); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: Update returned the error %v, want one that contains %q", name, err, tt.want)
		}
	}
}

// A client that accepts elements of MaxDepth can read each record that Add
// accepts.
func TestServerAddAcceptsReadable(t *testing.T) {
	s := new(Server)
	r := NewSerialPort("", 1)
	value := Text("")
	for range MaxDepth - 2 { // the attribute list and the list of lists are two more
		value = Sequence(value)
	}
	r.Set(0x300, value)
	r.Set(AttributeProtocolDescriptorList, Alternative(
		Sequence(Sequence(UUIDElement(ProtocolL2CAP)), Sequence(UUIDElement(ProtocolRFCOMM), Uint16(30))),
		Sequence(Sequence(UUIDElement(ProtocolL2CAP), Uint16(0x1001)))))
	add(t, s, r)
	c, _ := startClient(t, s, 672)
	got, err := c.Search(t.Context(), []UUID{SerialPort})
	if err != nil || len(got) != 1 {
		t.Fatalf("Search = %v, %v", got, err)
	}
	if channel, _ := got[0].Channel(); channel != 30 {
		t.Errorf("the channel is %d, want 30", channel)
	}
}

// ownRecord returns the server's own record and its ServiceDatabaseState.
func ownRecord(t *testing.T, s *Server) (*Record, uint64) {
	t.Helper()
	c, _ := startClient(t, s, 672)
	handles, err := c.Services(t.Context(), ServiceDiscoveryServer)
	if err != nil || !slices.Equal(handles, []uint32{0}) {
		t.Fatalf("Services = %x, %v; want the handle 0", handles, err)
	}
	r, err := c.Attributes(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	state, _ := r.Get(attributeServiceDatabaseState)
	v, ok := state.Uint()
	if !ok || state.Width() != 4 {
		t.Errorf("the ServiceDatabaseState is %v", state)
	}
	return r, v
}

// The ServiceDatabaseState changes when a record is added or removed, not when
// one is modified (Core Specification, Volume 3, Part B, 5.2.4).
func TestServerDatabaseState(t *testing.T) {
	s := new(Server)
	own, first := ownRecord(t, s)
	if versions, _ := own.Get(attributeVersionNumberList); !versions.Equal(Sequence(Uint16(0x0100))) {
		t.Errorf("the VersionNumberList is %v", versions)
	}
	handle := add(t, s, NewSerialPort("", 1))
	_, added := ownRecord(t, s)
	if err := s.Update(handle, NewSerialPort("", 2)); err != nil {
		t.Fatal(err)
	}
	_, updated := ownRecord(t, s)
	if err := s.Remove(handle); err != nil {
		t.Fatal(err)
	}
	_, removed := ownRecord(t, s)
	if added == first || updated != added || removed == added || removed == first {
		t.Errorf("the states are %d at first, %d after Add, %d after Update, %d after Remove", first, added, updated, removed)
	}
	if _, other := ownRecord(t, new(Server)); other == first {
		t.Error("two servers begin with the same state")
	}
}

func TestServerUpdates(t *testing.T) {
	s := new(Server)
	handle := add(t, s, NewSerialPort("before", 1))
	add(t, s, NewSerialPort("other", 2))
	if err := s.Update(handle, NewObjectPush("after", 3)); err != nil {
		t.Fatal(err)
	}
	c, _ := startClient(t, s, 672)
	got, err := c.Search(t.Context(), []UUID{ObjectPush})
	if err != nil || len(got) != 1 || got[0].Name() != "after" {
		t.Errorf("Search = %v, %v", got, err)
	}
	if handles, err := c.Services(t.Context(), SerialPort); err != nil || !slices.Equal(handles, []uint32{handle + 1}) {
		t.Errorf("Services = %x, %v", handles, err)
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

// serveListener serves a listener and returns it with the result of Serve.
func serveListener(s *Server) (*hosttest.PacketListener, <-chan error) {
	l := hosttest.ListenPackets(672, 48)
	return l, hosttest.InBackground(func() error { return s.Serve(l) })
}

func TestServerShutdown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := new(Server)
		for _, r := range testRecords(3) {
			add(t, s, r)
		}
		l, served := serveListener(s)
		idle, err := l.Dial()
		if err != nil {
			t.Fatal(err)
		}
		busy, err := l.Dial()
		if err != nil {
			t.Fatal(err)
		}
		p := func(r request) part {
			response, err := ask(t, busy, r)
			if err != nil {
				t.Fatal(err)
			}
			p, err := parsePart(response)
			if err != nil {
				t.Fatal(err)
			}
			return p
		}
		r := searchAll
		r.continuation = p(r).continuation
		synctest.Wait()
		begin := time.Now()
		down := hosttest.InBackground(func() error { return s.Shutdown(t.Context()) })
		wantEnd(t, idle)
		if err := <-served; err != ErrServerClosed {
			t.Errorf("Serve returned the error %v, want ErrServerClosed", err)
		}
		if _, err := l.Dial(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("the listener is still open: %v", err)
		}
		if response, err := ask(t, busy, searchAll); err != nil || response.id != errorResponse {
			t.Errorf("a new request gets the response %v, %v; want an error response", response, err)
		}
		for len(r.continuation) > 0 {
			synctest.Wait()
			select {
			case err := <-down:
				t.Fatalf("Shutdown did not wait: %v", err)
			default:
			}
			r.continuation = p(r).continuation
		}
		wantEnd(t, busy)
		if err := <-down; err != nil || time.Since(begin) != 0 {
			t.Errorf("Shutdown returned the error %v after %v", err, time.Since(begin))
		}
		wantClosed(t, s)
	})
}

// wantClosed checks that a server accepts nothing.
func wantClosed(t *testing.T, s *Server) {
	t.Helper()
	_, served := serveListener(s)
	c, servedConn := startConn(s, 672)
	wantEnd(t, c)
	for _, err := range []error{<-served, <-servedConn} {
		if err != ErrServerClosed {
			t.Errorf("got the error %v, want ErrServerClosed", err)
		}
	}
	if err := s.Shutdown(t.Context()); err != nil {
		t.Errorf("the second Shutdown returned the error %v", err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("the second Close returned the error %v", err)
	}
}

func TestServerShutdownEndsWithContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := new(Server)
		add(t, s, NewSerialPort(strings.Repeat("x", 50), 1))
		c, served := startConn(s, 48)
		if _, err := ask(t, c, searchAll); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := s.Shutdown(ctx); err != context.DeadlineExceeded {
			t.Errorf("Shutdown returned the error %v", err)
		}
		s.Close()
		wantEnd(t, c)
		if err := <-served; err != ErrServerClosed {
			t.Errorf("ServeConn returned the error %v, want ErrServerClosed", err)
		}
		wantClosed(t, s)
	})
}

// A client that never asks for the rest of its answer delays Shutdown for as
// long as IdleTimeout.
func TestServerShutdownEndsIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &Server{IdleTimeout: 5 * time.Second}
		add(t, s, NewSerialPort(strings.Repeat("x", 50), 1))
		c, served := startConn(s, 48)
		if _, err := ask(t, c, searchAll); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		begin := time.Now()
		if err := s.Shutdown(t.Context()); err != nil {
			t.Errorf("Shutdown returned the error %v", err)
		}
		if waited := time.Since(begin); waited != 5*time.Second {
			t.Errorf("Shutdown waited %v", waited)
		}
		if err := <-served; err != ErrServerClosed {
			t.Errorf("ServeConn returned the error %v, want ErrServerClosed", err)
		}
	})
}

func TestServerClose(t *testing.T) {
	hosttest.CheckLeaksAtEnd(t)
	s := new(Server)
	l, served := serveListener(s)
	c, err := l.Dial()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ask(t, c, searchAll); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("Close returned the error %v", err)
	}
	wantEnd(t, c)
	if err := hosttest.Receive(t, served); err != ErrServerClosed {
		t.Errorf("Serve returned the error %v, want ErrServerClosed", err)
	}
	wantClosed(t, s)
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

func TestSequenceOf(t *testing.T) {
	for _, n := range []int{0, 1, 255, 256, 65535, 65536} {
		content := bytes.Repeat([]byte{0}, n) // nil elements
		e, rest, err := ParseDataElement(sequenceOf(content))
		if err != nil || len(rest) != 0 || len(e.Elements()) != n {
			t.Errorf("%d bytes: %d elements, then %d bytes: %v", n, len(e.Elements()), len(rest), err)
		}
	}
}
