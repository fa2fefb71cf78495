package filetransfer

import "net"

// inletSize is the maximum number of bytes of one Read of a net.Conn.
const inletSize = 32 << 10

// An inlet reads a net.Conn in the background, each time after a request, so
// that the wait for the bytes can end without a deadline of the net.Conn. The
// bytes then arrive for a later wait.
//
// Its methods must not be called by several goroutines at the same time.
type inlet struct {
	arrived chan arrival
	read    func() // kept because each closure is an allocation

	pending bool   // whether bytes were requested and have not been put
	buffer  []byte // used by read while pending; nil before the first request
	unread  []byte // of the buffer
	err     error  // of the net.Conn, after the unread bytes
}

// An arrival is the result of one Read.
type arrival struct {
	n   int
	err error
}

func newInlet(conn net.Conn) *inlet {
	i := &inlet{arrived: make(chan arrival, 1)}
	i.read = func() {
		n, err := conn.Read(i.buffer)
		i.arrived <- arrival{n, err}
	}
	return i
}

// isEmpty reports whether take needs an arrival.
func (i *inlet) isEmpty() bool { return len(i.unread) == 0 && i.err == nil }

// request starts a Read, unless one is pending or an earlier one has failed. The
// inlet must have no unread bytes.
func (i *inlet) request() {
	if i.pending || i.err != nil {
		return
	}
	if i.buffer == nil {
		i.buffer = make([]byte, inletSize)
	}
	i.pending = true
	go i.read()
}

// put accepts an arrival.
func (i *inlet) put(got arrival) {
	i.pending = false
	i.unread, i.err = i.buffer[:got.n], got.err
}

// take returns bytes of the last arrival and, after the last byte, its error.
func (i *inlet) take(p []byte) (int, error) {
	if len(i.unread) == 0 {
		return 0, i.err
	}
	n := copy(p, i.unread)
	i.unread = i.unread[n:]
	return n, nil
}
