package rfcommtest

import (
	"time"

	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/btsnoop"
	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/hcipacket"
)

// These methods write the log. They do nothing without a Config.Log. The
// radio's lock is held.

func (r *Radio) logPlug(index int, address hcipacket.Address, name string) {
	r.logged(func(w *btsnoop.Writer) error {
		kernelOrder := [6]byte((hcipacket.Parameters{}).Address(address))
		return w.NewIndex(time.Now(), uint16(index), kernelOrder, name)
	})
}

func (r *Radio) logUnplug(index int) {
	r.logged(func(w *btsnoop.Writer) error { return w.DeleteIndex(time.Now(), uint16(index)) })
}

func (r *Radio) logPacket(index int, direction btsnoop.Direction, packet []byte) {
	r.logged(func(w *btsnoop.Writer) error { return w.Packet(time.Now(), uint16(index), direction, packet) })
}

// logged calls write with the log's writer and keeps the first error for Close.
func (r *Radio) logged(write func(w *btsnoop.Writer) error) {
	if r.log == nil {
		return
	}
	if err := write(r.log); r.logError == nil {
		r.logError = err
	}
}
