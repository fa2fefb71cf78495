package serial

import (
	"context"
	"errors"
	"net"
	"slices"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func TestRelayKeepRedials(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		line, instrument := newLine()
		conn, peer := net.Pipe()
		errAway := errors.New("out of range")
		attempts := 0
		dial := func(context.Context) (net.Conn, error) {
			if attempts++; attempts < 4 {
				return nil, errAway
			}
			return conn, nil
		}
		log := &eventLog{}
		r := &Relay{Open: opens(line), Connect: dial, Keep: true, Report: log.report}
		ended, cancel := start(t, r)
		began := time.Now()
		send(t, peer, "here")
		wantText(t, instrument, "here")
		if got, want := time.Since(began), (500+1000+2000)*time.Millisecond; got != want {
			t.Errorf("connected after %v, want %v", got, want)
		}
		cancel()
		if err := <-ended; err != errCanceled {
			t.Error(err)
		}
		log.wantStates(t, StateOpen, StateRetrying, StateRetrying, StateRetrying,
			StateConnected, StateDisconnected, StateClosed)
		if e := log.of(StateRetrying)[2]; e.Err != errAway || e.Delay != 2*time.Second {
			t.Errorf("the third failure is reported as %+v", e)
		}
	})
}

func TestRelayKeepConnectsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		line, instrument := newLine()
		first, firstPeer := net.Pipe()
		second, secondPeer := net.Pipe()
		lost := &endConn{Conn: first, err: syscall.ETIMEDOUT}
		log := &eventLog{}
		r := &Relay{Open: opens(line), Connect: connects(lost, second), Keep: true, Report: log.report}
		ended, cancel := start(t, r)
		send(t, firstPeer, "one")
		wantText(t, instrument, "one")
		firstPeer.Close()
		send(t, secondPeer, "two")
		wantText(t, instrument, "two")
		go instrument.Write([]byte("three"))
		wantText(t, secondPeer, "three")
		cancel()
		<-ended
		if e := log.of(StateRetrying); len(e) != 1 || e[0].Err != syscall.ETIMEDOUT || e[0].Delay != firstDelay {
			t.Errorf("the attempts are reported as %+v", e)
		}
		if got := r.Stats(); got != (Stats{Connections: 2, Sent: 5, Received: 6}) {
			t.Errorf("the statistics are %+v", got)
		}
	})
}

// A connection and a port that worked for a while begin the delays anew. Short
// ones do not.
func TestRelayKeepResetsDelays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &eventLog{}
		open := func(context.Context) (Line, error) {
			line, instrument := newLine()
			time.AfterFunc(50*time.Second, func() { instrument.Close() })
			return line, nil
		}
		lasts := []time.Duration{0, 0, 2 * stable, 0}
		dial := func(ctx context.Context) (net.Conn, error) {
			if len(lasts) == 0 {
				<-ctx.Done()
				return nil, ctx.Err()
			}
			conn, peer := net.Pipe()
			time.AfterFunc(lasts[0], func() { peer.Close() })
			lasts = lasts[1:]
			return conn, nil
		}
		ended, cancel := start(t, &Relay{Open: open, Connect: dial, Keep: true, Report: log.report})
		time.Sleep(3 * time.Minute)
		cancel()
		<-ended
		var delays []time.Duration
		for _, e := range log.of(StateRetrying) {
			delays = append(delays, e.Delay)
		}
		// Two short connections, a long one, a short one; then ports.
		want := []time.Duration{firstDelay, 2 * firstDelay, firstDelay, 2 * firstDelay, firstDelay, firstDelay, firstDelay}
		if !slices.Equal(delays, want) {
			t.Errorf("the delays are %v, want %v", delays, want)
		}
	})
}

func TestRelayDiscardsBetweenConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		line, instrument := newLine()
		conn, peer := net.Pipe()
		ready := make(chan struct{})
		dial := func(context.Context) (net.Conn, error) { <-ready; return conn, nil }
		log := &eventLog{}
		r := &Relay{Open: opens(line), Connect: dial, Report: log.report}
		ended, _ := start(t, r)
		send(t, instrument, "stale ")
		send(t, instrument, "data")
		synctest.Wait()
		close(ready)
		synctest.Wait()
		go instrument.Write([]byte("current"))
		wantText(t, peer, "current")
		peer.Close()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		log.wantStates(t, StateOpen, StateDiscarding, StateConnected, StateDisconnected, StateClosed)
		if n := log.of(StateConnected)[0].Discarded; n != 10 {
			t.Errorf("%d discarded bytes are reported, want 10", n)
		}
		if n := r.Stats().Discarded; n != 10 {
			t.Errorf("%d discarded bytes are counted, want 10", n)
		}
	})
}

func TestRelayKeepReopensPort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		line, instrument := newLine()
		again, replugged := newLine()
		first, firstPeer := net.Pipe()
		second, secondPeer := net.Pipe()
		attempts := 0
		open := func(context.Context) (Line, error) {
			switch attempts++; attempts {
			case 1:
				return line, nil
			case 4:
				return again, nil
			}
			return nil, syscall.ENOENT
		}
		log := &eventLog{}
		r := &Relay{Open: open, Connect: connects(first, second), Keep: true, Report: log.report}
		ended, cancel := start(t, r)
		send(t, firstPeer, "one")
		wantText(t, instrument, "one")
		instrument.Close() // unplugged
		firstPeer.Read(make([]byte, 1))
		began := time.Now()
		send(t, secondPeer, "two")
		wantText(t, replugged, "two")
		if got, want := time.Since(began), 3500*time.Millisecond; got != want {
			t.Errorf("the port is back after %v, want %v", got, want)
		}
		cancel()
		<-ended
		log.wantStates(t, StateOpen, StateConnected, StateDisconnected, StatePortLost,
			StateRetrying, StateRetrying, StateRetrying, StateOpen, StateConnected,
			StateDisconnected, StateClosed)
		if e := log.of(StateRetrying)[1]; e.Name != "/dev/ttyFAKE" || e.Err != syscall.ENOENT {
			t.Errorf("the second attempt is reported as %+v", e)
		}
	})
}

func TestRelayReportsDiscardedAtEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		line, unplugged := newLine()
		again, instrument := newLine()
		log := &eventLog{}
		ended, cancel := start(t, &Relay{Open: opens(line, again), Connect: connects(), Keep: true, Report: log.report})
		send(t, unplugged, "lost")
		unplugged.Close()
		send(t, instrument, "too")
		synctest.Wait()
		cancel()
		<-ended
		if n := log.of(StateClosed)[0].Discarded; n != 7 || len(log.of(StateDiscarding)) != 1 {
			t.Errorf("%d bytes are reported as discarded, want 7", n)
		}
	})
}

// The port fails before there is a connection: the pending dial is cancelled.
func TestRelayRunReturnsWhenIdlePortFails(t *testing.T) {
	line, instrument := newLine()
	failing := &failingLine{fakeLine: line, err: syscall.EIO}
	r := &Relay{Open: opens(failing), Connect: connects()}
	ended, _ := start(t, r)
	instrument.Close()
	if err := <-ended; err != syscall.EIO {
		t.Errorf("the error is %v, want EIO", err)
	}
}
