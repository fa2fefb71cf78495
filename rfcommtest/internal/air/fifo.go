package air

// A fifo is a queue that reuses its memory.
type fifo[T any] struct {
	items []T
	head  int
}

func (f *fifo[T]) empty() bool { return f.head == len(f.items) }

// first returns a pointer to the oldest element. The queue must not be empty.
// The pointer is valid until the next push or pop.
func (f *fifo[T]) first() *T { return &f.items[f.head] }

func (f *fifo[T]) push(v T) {
	if f.head > 16 && f.head > len(f.items)/2 {
		// Without this, a queue that never becomes empty would grow forever.
		n := copy(f.items, f.items[f.head:])
		clear(f.items[n:])
		f.items, f.head = f.items[:n], 0
	}
	f.items = append(f.items, v)
}

func (f *fifo[T]) pop() T {
	v := f.items[f.head]
	var zero T
	f.items[f.head] = zero // for the garbage collector
	f.head++
	if f.empty() {
		f.items, f.head = f.items[:0], 0
	}
	return v
}

func (f *fifo[T]) clear() {
	*f = fifo[T]{}
}
