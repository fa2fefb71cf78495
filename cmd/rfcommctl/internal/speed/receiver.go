package speed

import (
	"fmt"
	"sync"
)

// A receiver receives the messages of a server during a test.
type receiver struct {
	*peer
	meter *meter
	plan  plan

	mu       sync.Mutex
	counted  Count  // by the server
	received *Count // by this end, when the test has ended
}

// run receives until the server ends the test.
func (r *receiver) run() error {
	for {
		m, err := readMessage(r.r)
		if err != nil {
			return unexpected(err)
		}
		switch {
		case m.kind == kindData && r.plan.receive:
			err = r.take(r.meter, m.data)
		case m.kind == kindCount && r.plan.send:
			err = r.note(m)
		case m.kind == kindEnd:
			r.end()
			return r.note(m)
		default:
			err = fmt.Errorf("a message of kind %d during a test", m.kind)
		}
		if err != nil {
			return err
		}
	}
}

// note records a count of the server.
func (r *receiver) note(m message) error {
	counted, err := parseCount(m.content)
	r.mu.Lock()
	defer r.mu.Unlock()
	if err == nil && (counted.Bytes < r.counted.Bytes || counted.Elapsed < r.counted.Elapsed) {
		err = fmt.Errorf("the server counts backwards: %d bytes after %d", counted.Bytes, r.counted.Bytes)
	}
	if err == nil {
		r.counted = counted
	}
	return err
}

// end records the end of the received data.
func (r *receiver) end() {
	received := r.meter.count()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.received = &received
}

// totals returns the counts until now.
func (r *receiver) totals() (t Totals) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.plan.send {
		t.Send = r.counted
	}
	if r.plan.receive {
		t.Receive = r.meter.count()
		if r.received != nil {
			t.Receive = *r.received
		}
	}
	return t
}
