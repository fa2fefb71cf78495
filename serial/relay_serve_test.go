package serial

import (
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

func TestRelayServeOneClientAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		line, instrument := newLine()
		l := listenPipe()
		log := &eventLog{}
		r := &Relay{Open: opens(line), Report: log.report}
		ended, cancel := serve(t, r, l)
		began := time.Now()
		first, second := l.dial(), l.dial()
		send(t, first, "first")
		wantText(t, instrument, "first")
		second.SetWriteDeadline(time.Now().Add(time.Hour))
		if _, err := second.Write([]byte("early")); err == nil {
			t.Error("the second client was served beside the first")
		}
		second.SetWriteDeadline(time.Time{})
		first.Close()
		send(t, second, "second")
		wantText(t, instrument, "second")
		go instrument.Write([]byte("reply"))
		wantText(t, second, "reply")
		if got := time.Since(began); got != time.Hour {
			t.Errorf("the second client waited for %v after the first had left", got-time.Hour)
		}
		cancel()
		if err := <-ended; err != errCanceled {
			t.Error(err)
		}
		if n := r.Stats().Connections; n != 2 {
			t.Errorf("%d connections are counted, want 2", n)
		}
	})
}

func TestRelayServeClosesListener(t *testing.T) {
	line, instrument := newLine()
	l := listenPipe()
	r := &Relay{Open: opens(line)}
	ended, cancel := serve(t, r, l)
	cancel()
	if err := <-ended; err != errCanceled {
		t.Error(err)
	}
	if _, err := l.Accept(); err != net.ErrClosed {
		t.Errorf("the listener still accepts: %v", err)
	}
	if _, err := instrument.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("the port is still open: %v", err)
	}
}

func TestRelayServeEndsWithListener(t *testing.T) {
	line, _ := newLine()
	l := listenPipe()
	ended, _ := serve(t, &Relay{Open: opens(line), Keep: true}, l)
	l.Close()
	if err := <-ended; !errors.Is(err, net.ErrClosed) {
		t.Errorf("the error is %v, want net.ErrClosed", err)
	}
}

func TestRelayServeSurvivesAcceptErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		line, instrument := newLine()
		l := &failingListener{pipeListener: listenPipe(), failures: 2}
		log := &eventLog{}
		ended, cancel := serve(t, &Relay{Open: opens(line), Report: log.report}, l)
		client := l.dial()
		send(t, client, "x")
		wantText(t, instrument, "x")
		cancel()
		<-ended
		if e := log.of(StateRetrying); len(e) != 2 || e[0].Err != syscall.EMFILE {
			t.Errorf("the failures are reported as %+v", e)
		}
	})
}

// A failingListener has some failures before it accepts.
type failingListener struct {
	*pipeListener
	failures int
}

func (l *failingListener) Accept() (net.Conn, error) {
	if l.failures--; l.failures >= 0 {
		return nil, syscall.EMFILE
	}
	return l.pipeListener.Accept()
}

func TestRelayServePortFails(t *testing.T) {
	line, instrument := newLine()
	l := listenPipe()
	ended, _ := serve(t, &Relay{Open: opens(line)}, l)
	client := l.dial()
	send(t, client, "x")
	wantText(t, instrument, "x")
	instrument.Close()
	if err := <-ended; err != io.EOF {
		t.Errorf("the error is %v, want io.EOF", err)
	}
	if _, err := client.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("the client reads %v, want io.EOF", err)
	}
}

// An instrument that is switched off may never accept the data of a client. The
// next client finds a port that was opened again.
func TestRelayServeReopensStuckPort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stuck, _ := newLine()
		hang := make(chan struct{})
		stuck.drain = func() error { <-hang; return nil }
		line, instrument := newLine()
		l := listenPipe()
		log := &eventLog{}
		ended, cancel := serve(t, &Relay{Open: opens(stuck, line), Report: log.report}, l)
		l.dial().Close()
		began := time.Now()
		client := l.dial()
		send(t, client, "x")
		wantText(t, instrument, "x")
		if got := time.Since(began); got != defaultDrain {
			t.Errorf("the next client waited for %v, want %v", got, defaultDrain)
		}
		cancel()
		<-ended
		close(hang)
		if e := log.of(StatePortLost); len(e) != 1 || e[0].Err != errStuck {
			t.Errorf("the port is reported as %+v", e)
		}
	})
}

// While the port is away, a client waits.
func TestRelayServeClientAwaitsPort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		line, unplugged := newLine()
		again, instrument := newLine()
		l := listenPipe()
		ended, cancel := serve(t, &Relay{Open: opens(line, again), Keep: true}, l)
		unplugged.Close()
		synctest.Wait()
		client := l.dial()
		began := time.Now()
		send(t, client, "x")
		wantText(t, instrument, "x")
		if got := time.Since(began); got != firstDelay {
			t.Errorf("the client waited for %v, want %v", got, firstDelay)
		}
		cancel()
		<-ended
	})
}

// A client that waits for a port must not be forgotten.
func TestRelayServeClosesWaitingClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		line, unplugged := newLine()
		l := listenPipe()
		ended, cancel := serve(t, &Relay{Open: opens(line), Keep: true}, l)
		unplugged.Close()
		synctest.Wait()
		client := l.dial()
		synctest.Wait()
		cancel()
		if _, err := client.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("the client reads %v, want io.EOF", err)
		}
		<-ended
	})
}

func TestRelaySeveralInOneProcess(t *testing.T) {
	hosttest.LeavesNothingBehind(t, func() {
		var clients, instruments []net.Conn
		for range 20 {
			line, instrument := newLine()
			l := listenPipe()
			ended, cancel := serve(t, &Relay{Open: opens(line)}, l)
			defer func() { cancel(); <-ended }()
			clients, instruments = append(clients, l.dial()), append(instruments, instrument)
		}
		for i, client := range clients {
			text := fmt.Sprint("port ", i)
			go client.Write([]byte(text))
			wantText(t, instruments[i], text)
		}
	})
}
