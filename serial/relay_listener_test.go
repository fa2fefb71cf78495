package serial

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"

	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

func TestPortListenerRefusesOtherConns(t *testing.T) {
	inner := listenPipe()
	l := PortListener(inner)
	defer l.Close()
	client := inner.dial()
	if _, err := l.Accept(); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("the error is %v, want one that matches ErrUnsupported", err)
	}
	if _, err := client.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("the refused connection reads %v, want io.EOF", err)
	}
}

func TestPortListenerCloseEndsHandOver(t *testing.T) {
	inner := listenPipe()
	l := PortListener(inner)
	handing := make(chan struct{})
	l.(*portListener).newPort = func(ctx context.Context, conn net.Conn) (net.Conn, error) {
		close(handing)
		<-ctx.Done()
		return nil, ctx.Err()
	}
	accepted := hosttest.InBackground(func() error { _, err := l.Accept(); return err })
	inner.dial()
	<-handing
	l.Close()
	if err := <-accepted; err != net.ErrClosed {
		t.Errorf("Accept returns %v, want net.ErrClosed", err)
	}
	if _, err := inner.Accept(); err != net.ErrClosed {
		t.Errorf("the inner listener returns %v, want net.ErrClosed", err)
	}
}
