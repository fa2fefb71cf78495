package filetransfer

import "testing"

func TestQueueServesInOrderOfJoining(t *testing.T) {
	q := newQueue()
	if q.isWaiting() {
		t.Error("clients wait in an empty queue")
	}
	first, second, third := q.join(), q.join(), q.join()
	if !first.isFirst() || second.isFirst() || q.ahead(third) != 2 || !q.isWaiting() {
		t.Errorf("first %v, second %v, %d before the third", first.isFirst(), second.isFirst(), q.ahead(third))
	}
	q.leave(second) // before its turn
	if third.isFirst() || q.ahead(third) != 1 {
		t.Error("the third is served beside the first")
	}
	q.leave(first)
	if !third.isFirst() || q.isWaiting() {
		t.Error("the third is not served alone")
	}
	q.leave(third)
	if fourth := q.join(); !fourth.isFirst() {
		t.Error("a client of an empty queue waits")
	}
}

func TestQueueHasRoomForEightWaiting(t *testing.T) {
	q := newQueue()
	var places []*place
	for range 1 + maxWaiting {
		places = append(places, q.join())
	}
	if places[maxWaiting] == nil || q.join() != nil {
		t.Fatalf("places are %v, and one more was free", places)
	}
	q.leave(places[3])
	if q.join() == nil || q.join() != nil {
		t.Error("one place should be free after one client has left")
	}
}

func TestQueueWaitingIsClosedWhileClientsWait(t *testing.T) {
	q := newQueue()
	q.join()
	before := q.waiting()
	second := q.join()
	if !isClosed(before) {
		t.Error("the channel is open while a client waits")
	}
	q.leave(second)
	if isClosed(q.waiting()) {
		t.Error("the channel is closed while no client waits")
	}
	var none *queue
	if none.isWaiting() {
		t.Error("clients wait without a queue")
	}
}
