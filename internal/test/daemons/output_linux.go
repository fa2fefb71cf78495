package daemons

import "sync"

// An output collects text that a process prints. The zero value is empty.
type output struct {
	mu    sync.Mutex
	text  []byte
	grown chan struct{} // closed by the next Write; nil if no caller of more waits
}

// Write appends text and wakes those that wait.
func (o *output) Write(text []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.text = append(o.text, text...)
	if o.grown != nil {
		close(o.grown)
		o.grown = nil
	}
	return len(text), nil
}

// String returns the text so far.
func (o *output) String() string { return o.since(0) }

// since returns the text from an offset.
func (o *output) since(offset int) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return string(o.text[offset:])
}

// size returns the length of the text so far.
func (o *output) size() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.text)
}

// more returns a channel that the next Write closes.
func (o *output) more() <-chan struct{} {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.grown == nil {
		o.grown = make(chan struct{})
	}
	return o.grown
}
