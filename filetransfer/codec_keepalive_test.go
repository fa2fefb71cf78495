package filetransfer

import (
	"errors"
	"net"
	"testing"
	"testing/synctest"
	"time"
)

func TestKeepAliveSendsWaitBlocks(t *testing.T) {
	for _, idle := range []time.Duration{10 * time.Millisecond, time.Second, 2 * time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			here, there := net.Pipe()
			defer here.Close()
			worker, waiter := newCodec(newConnection(here, clientPeer, idle)), newCodec(newConnection(there, serverPeer, idle))
			defer there.Close()
			failed := errors.New("failed")
			go func() {
				err := worker.keepAlive("", func() error {
					time.Sleep(10 * idle)
					return failed
				})
				if err != failed {
					t.Errorf("keepAlive returns %v", err)
				}
				worker.writeBlock(block{word: okWord})
			}()
			began := time.Now()
			if answer, err := waiter.readAnswer(); err != nil || answer.word != okWord {
				t.Errorf("the answer is %v, %v", answer, err)
			}
			if took := time.Since(began); took != 10*idle {
				t.Errorf("it took %v, want %v", took, 10*idle)
			}
		})
	}
}

func TestKeepAliveFinishesWithoutPeer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		here, there := net.Pipe()
		there.Close()
		worker := newCodec(newConnection(here, clientPeer, 0))
		done := false
		err := worker.keepAlive("", func() error {
			time.Sleep(time.Minute)
			done = true
			return nil
		})
		if err != nil || !done {
			t.Errorf("keepAlive returns %v, done: %v", err, done)
		}
		if worker.conn.failure() == nil {
			t.Error("the connection has no failure")
		}
	})
}
