package hosttest

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func TestPacketPipeKeepsPackets(t *testing.T) {
	a, b := PacketPipe(10, 5)
	if outgoing, incoming := a.MTUs(); outgoing != 10 || incoming != 5 {
		t.Errorf("MTUs = %d, %d", outgoing, incoming)
	}
	if outgoing, incoming := b.MTUs(); outgoing != 5 || incoming != 10 {
		t.Errorf("the peer's MTUs = %d, %d", outgoing, incoming)
	}
	for _, packet := range []string{"0123456789", "", "abc"} {
		if n, err := a.Write([]byte(packet)); n != len(packet) || err != nil {
			t.Fatalf("Write = %d, %v", n, err)
		}
	}
	if n, err := b.Write(make([]byte, 6)); n != 0 || !errors.Is(err, syscall.EMSGSIZE) {
		t.Errorf("Write above the MTU = %d, %v", n, err)
	}
	a.Close()
	p := make([]byte, 4)
	if n, err := b.Read(p); n != 4 || !bytes.Equal(p, []byte("0123")) || !errors.Is(err, syscall.EMSGSIZE) {
		t.Errorf("Read of a long packet = %d, %q, %v", n, p, err)
	}
	if n, err := b.Read(p); n != 0 || err != nil {
		t.Errorf("Read of an empty packet = %d, %v", n, err)
	}
	if n, err := b.Read(p); n != 3 || err != nil {
		t.Errorf("Read = %d, %v", n, err)
	}
	if n, err := b.Read(p); n != 0 || err != io.EOF {
		t.Errorf("Read at the end = %d, %v", n, err)
	}
	if _, err := b.Write(p); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("Write to a closed end: %v", err)
	}
}

func TestPacketPipeDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := PacketPipe(48, 48)
		start := time.Now()
		a.SetReadDeadline(start.Add(time.Hour))
		a.SetReadDeadline(start.Add(time.Minute))
		a.SetWriteDeadline(start.Add(time.Second))
		for range packetQueue {
			a.Write([]byte("x"))
		}
		if _, err := a.Write([]byte("x")); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("Write to a full queue: %v after %v", err, time.Since(start))
		}
		if _, err := a.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(start) != time.Minute {
			t.Errorf("Read: %v after %v", err, time.Since(start))
		}
		a.SetDeadline(time.Time{})
		go func() {
			time.Sleep(time.Second)
			b.Write([]byte("x"))
			time.Sleep(time.Second)
			a.Close()
		}()
		if n, err := a.Read(make([]byte, 1)); n != 1 || err != nil {
			t.Errorf("Read without a deadline = %d, %v", n, err)
		}
		if _, err := a.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Read during Close: %v", err)
		}
		a.SetDeadline(start)
		if err := a.Close(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("second Close: %v", err)
		}
	})
}

func TestListenPacketsAccepts(t *testing.T) {
	listener := ListenPackets(48, 672)
	accepted := InBackground(func() net.Conn {
		conn, err := listener.Accept()
		if err != nil {
			t.Error(err)
		}
		return conn
	})
	client, err := listener.Dial()
	if err != nil {
		t.Fatal(err)
	}
	server := Receive(t, accepted)
	client.Write([]byte("hello"))
	if n, err := server.Read(make([]byte, 48)); n != 5 || err != nil {
		t.Errorf("Read = %d, %v", n, err)
	}
	if err := listener.Close(); err != nil {
		t.Error(err)
	}
	if _, err := listener.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Accept after Close: %v", err)
	}
	if _, err := listener.Dial(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Dial after Close: %v", err)
	}
}
