package filetransfer

import (
	"slices"
	"sync"
	"sync/atomic"
)

// maxWaiting is the maximum number of clients of one listener that wait.
const maxWaiting = 8

// A queue serves the clients of one listener one after the other, in the order
// in which they joined. A nil queue has no waiting clients.
type queue struct {
	mu     sync.Mutex
	places []*place       // the first one is served, the others wait
	crowd  chan struct{}  // closed while clients wait
	closed chan struct{}  // closed by close
	left   sync.WaitGroup // counts places and refusals

	refusing atomic.Int32 // clients that are being refused
	refused  int          // clients refused since the last one that joined
}

// A place is the place of one client in a queue.
type place struct {
	turn chan struct{} // closed when it is the client's turn
}

func newQueue() *queue {
	return &queue{crowd: make(chan struct{}), closed: make(chan struct{})}
}

// join adds a client at the end. It returns nil if too many clients wait.
func (q *queue) join() *place {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.places) > maxWaiting {
		return nil
	}
	q.left.Add(1)
	p := &place{turn: make(chan struct{})}
	q.places = append(q.places, p)
	switch len(q.places) {
	case 1:
		close(p.turn)
	case 2:
		close(q.crowd)
	}
	return p
}

// leave removes a client, whether it was served or not.
func (q *queue) leave(p *place) {
	q.mu.Lock()
	defer q.mu.Unlock()
	defer q.left.Done()
	i := slices.Index(q.places, p)
	q.places = slices.Delete(q.places, i, i+1)
	if i == 0 && len(q.places) > 0 {
		close(q.places[0].turn)
	}
	if len(q.places) == 1 {
		q.crowd = make(chan struct{})
	}
}

// close tells the waiting clients to leave and returns when all clients have
// left. No client may join after it.
func (q *queue) close() {
	close(q.closed)
	q.left.Wait()
}

// isFirst reports whether it is the client's turn.
func (p *place) isFirst() bool { return isClosed(p.turn) }

// ahead returns the number of clients before p, including the one served.
func (q *queue) ahead(p *place) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return slices.Index(q.places, p)
}

// waiting returns a channel that is closed when clients wait.
func (q *queue) waiting() <-chan struct{} {
	if q == nil {
		return nil
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.crowd
}

// isWaiting reports whether clients wait.
func (q *queue) isWaiting() bool { return isClosed(q.waiting()) }
