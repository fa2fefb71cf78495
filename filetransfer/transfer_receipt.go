package filetransfer

import (
	"errors"
	"fmt"
	"io"
	"time"
)

// A receiptWatch reads the blocks of the peer while content is sent to it: the
// wait blocks of a slow peer, and the receipt, which may report an error before
// the content has ended.
type receiptWatch struct {
	codec   *codec
	done    chan struct{} // closed when the receipt was read
	receipt block
	err     error // of the stream

	sent    chan struct{} // closed when no more content is sent
	leaving chan struct{} // closed by leave
}

// newReceiptWatch starts to read the receipt of a transfer. Call await or leave
// after the content.
func newReceiptWatch(c *codec) *receiptWatch {
	w := &receiptWatch{codec: c, done: make(chan struct{}), sent: make(chan struct{}), leaving: make(chan struct{})}
	c.lookAhead()
	go func() {
		w.receipt, w.err = w.read()
		close(w.done)
		w.interrupt()
	}()
	return w
}

// errNoReceipt means that leave was called, or that the peer sent a request.
var errNoReceipt = malformed("a request instead of a receipt")

// read reads blocks until the receipt.
func (w *receiptWatch) read() (block, error) {
	for {
		select {
		case <-w.codec.peekAhead().done:
		case <-w.leaving:
			return block{}, errNoReceipt
		}
		if err := w.codec.settle(); err != nil {
			return block{}, early(err)
		}
		if first, _ := w.codec.reader.Peek(1); first[0] == framedMark {
			return block{}, errNoReceipt
		}
		b, err := readBlock(w.codec.reader)
		if err == nil && b.word == waitWord {
			err = w.codec.conn.keptAlive()
		}
		if err != nil || b.word != waitWord {
			return b, early(err)
		}
	}
}

// blockedGrace is the maximum time for which a transfer waits for its source
// after the peer has refused the rest of the content.
const blockedGrace = time.Second

// interrupt ends the connection if the peer has refused the content and the
// source or a Write stays blocked.
func (w *receiptWatch) interrupt() {
	if !w.refused() {
		return
	}
	grace := time.NewTimer(blockedGrace)
	defer grace.Stop()
	select {
	case <-w.sent:
	case <-grace.C:
		w.codec.conn.end(w.refusal())
	}
}

// refused reports whether the peer has ended the transfer before the end of the
// content.
func (w *receiptWatch) refused() bool {
	return isClosed(w.done) && w.err != errNoReceipt && w.refusal() != nil
}

// refusal returns the error of the stream, or the one that the receipt reports.
// A server may have to send to a peer that has closed its sending direction.
func (w *receiptWatch) refusal() error {
	switch {
	case w.err == io.ErrUnexpectedEOF && w.codec.conn.peer == clientPeer:
		return nil
	case w.err != nil:
		return w.err
	default:
		return w.codec.errorOf(w.receipt, okWord)
	}
}

// await returns the receipt after the content. It waits for at most d, and again
// after each wait block.
func (w *receiptWatch) await(d time.Duration) (block, error) {
	close(w.sent)
	w.codec.conn.within(d)
	<-w.done
	return w.receipt, w.err
}

// leave ends the watch. A receipt that has not begun to arrive remains unread.
func (w *receiptWatch) leave() {
	close(w.sent)
	close(w.leaving)
	w.codec.conn.within(w.codec.conn.idle)
	<-w.done
	if w.codec.ahead != nil {
		w.codec.conn.forever() // until the next request
	}
}

// sendConfirmed sends content and returns the receipt. If the content could not
// be read and the peer does not answer to that, sendConfirmed does not wait for a
// receipt.
func (t *transfer) sendConfirmed(s source, answersFailure bool) (block, error) {
	w := newReceiptWatch(t.codec)
	s.stopped = w.refused
	sent := t.sendContent(s)
	stopped := errors.Is(sent, errStopped)
	var own *contentError
	isOwn := errors.As(sent, &own) && !stopped
	if isOwn && !answersFailure {
		w.leave()
		return block{}, own.err
	}
	patience := t.conn.idle
	if t.conn.failure() != nil {
		patience = min(patience, time.Second) // the peer may have sent a reason
	}
	receipt, err := w.await(patience)
	switch {
	case err != nil && (stopped || sent == nil):
		return block{}, t.conn.fail(fmt.Errorf("sent, but not confirmed: %w", err))
	case err != nil:
		return block{}, t.conn.fail(sent)
	case isOwn:
		return block{}, own.err
	}
	err = t.codec.errorOf(receipt, okWord)
	if err == nil && sent != nil {
		err = t.conn.fail(sent)
	}
	return receipt, err
}
