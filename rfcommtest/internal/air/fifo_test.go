package air

import "testing"

// A path that always has a packet waiting must not need more and more memory.
func TestFifoKeepsOrderAndMemory(t *testing.T) {
	var f fifo[*int]
	next, oldest := 0, 0
	push := func() {
		v := next
		f.push(&v)
		next++
	}
	for range 20 {
		push()
	}
	for range 10_000 {
		push()
		if f.empty() || **f.first() != oldest {
			t.Fatalf("the first element is not %d", oldest)
		}
		if got := *f.pop(); got != oldest {
			t.Fatalf("got %d, want %d", got, oldest)
		}
		oldest++
	}
	if n := cap(f.items); n > 200 {
		t.Errorf("memory for %d elements, of which 20 are queued", n)
	}
	for i := range f.items[:cap(f.items)] {
		if queued := i >= f.head && i < len(f.items); !queued && f.items[:cap(f.items)][i] != nil {
			t.Errorf("element %d of %d to %d is not released", i, f.head, len(f.items))
		}
	}
	for !f.empty() {
		f.pop()
	}
	if oldest += 20; oldest != next || f.head != 0 || len(f.items) != 0 {
		t.Errorf("after %d of %d elements, the queue begins at %d", oldest, next, f.head)
	}
}
