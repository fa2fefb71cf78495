package filetransfer

import "time"

// waitWord is the word of a block that only keeps the peer from timing out.
const waitWord = "wait"

// keepAliveLine is sent between two chunks and only keeps the peer from timing
// out. No chunk begins with an empty line.
const keepAliveLine = "\r\n"

// keepAliveInterval is the maximum time between two keepalives. If a third of the
// idle timeout is shorter, that is used instead.
const keepAliveInterval = time.Second

// keepAlive runs f, which may take long, and sends wait blocks to the peer
// until f returns. Each wait block begins with prefix. f must not write to the
// connection.
func (c *codec) keepAlive(prefix string, f func() error) error {
	stop := c.beat(block{word: waitWord}.append([]byte(prefix)), func() bool { return true })
	defer stop()
	return f()
}

// beat sends a message at each interval for which due returns true, until stop
// is called. It waits for a Write that is running: small ones may take turns with
// the interval.
func (c *codec) beat(message []byte, due func() bool) (stop func()) {
	stopping, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		ticker := time.NewTicker(max(min(keepAliveInterval, c.conn.idle/3), time.Millisecond))
		defer ticker.Stop()
		for {
			select {
			case <-stopping:
				return
			case <-ticker.C:
				if due() && c.conn.writeKeepalive(message) != nil {
					return
				}
			}
		}
	}()
	return func() { close(stopping); <-stopped }
}
