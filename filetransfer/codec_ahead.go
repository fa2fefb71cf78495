package filetransfer

// A lookahead waits for the next byte without reading it.
type lookahead struct {
	done chan struct{} // closed when the byte has arrived, or the stream failed
	err  error
}

// lookAhead starts to wait for the next byte, without a limit. If it is already
// waiting, it returns the same lookahead. Before the next read, call settle.
func (c *codec) lookAhead() *lookahead {
	if c.ahead == nil {
		c.conn.forever()
	}
	return c.peekAhead()
}

// peekAhead is lookAhead with the limit that applies to reads.
func (c *codec) peekAhead() *lookahead {
	if c.ahead == nil {
		ahead := &lookahead{done: make(chan struct{})}
		c.ahead = ahead
		go func() {
			defer close(ahead.done)
			_, ahead.err = c.reader.Peek(1)
		}()
	}
	return c.ahead
}

// settle waits for a pending lookahead and returns its error.
func (c *codec) settle() error {
	if c.ahead == nil {
		return nil
	}
	<-c.ahead.done
	err := c.ahead.err
	c.ahead = nil
	return err
}
