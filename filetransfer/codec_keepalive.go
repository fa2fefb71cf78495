package filetransfer

import "time"

// waitWord is the word of a block that only keeps the peer from timing out.
const waitWord = "wait"

// waitInterval is the maximum time between two wait blocks. If a third of the
// idle timeout is shorter, that is used instead.
const waitInterval = time.Second

// keepAlive runs f, which may take long, and sends wait blocks to the peer
// until f returns. Each wait block begins with prefix. f must not write to the
// connection.
func (c *codec) keepAlive(prefix string, f func() error) error {
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		ticker := time.NewTicker(max(min(waitInterval, c.conn.idle/3), time.Millisecond))
		defer ticker.Stop()
		for {
			select {
			case <-stop:
				return
			case <-ticker.C:
				if _, err := c.conn.Write(block{word: waitWord}.append([]byte(prefix))); err != nil {
					return
				}
			}
		}
	}()
	defer func() { close(stop); <-stopped }()
	return f()
}
