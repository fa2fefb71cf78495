package filetransfer

import "time"

// waitWord is the word of a block that only says that more will follow.
const waitWord = "wait"

// waitInterval is how often a peer that works on something says so. A shorter
// idle timeout makes it more often.
const waitInterval = time.Second

// working runs f, which may take long, and tells the peer meanwhile, with
// blocks that begin with prefix, that it has to wait. f must not write to the
// link.
func (w *wire) keepAlive(prefix string, f func() error) error {
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		ticker := time.NewTicker(max(min(waitInterval, w.idle/3), time.Millisecond))
		defer ticker.Stop()
		for {
			select {
			case <-stop:
				return
			case <-ticker.C:
				if _, err := w.Write(block{word: waitWord}.append([]byte(prefix))); err != nil {
					return
				}
			}
		}
	}()
	defer func() { close(stop); <-stopped }()
	return f()
}
