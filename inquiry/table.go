package inquiry

import (
	"sync"

	"github.com/go-rfcomm/rfcomm"
)

// A table holds the devices that an inquiry has found. It queues a device when
// something new about the device is known, and again only after that has been
// taken. The search adds to the table and the loop takes from it, on different
// goroutines.
type table struct {
	mu     sync.Mutex
	known  map[rfcomm.BDAddr]*found
	order  []*found      // all devices, in the order in which they were found
	queue  []*found      // the devices with news
	queued chan struct{} // receives after queue has grown
}

// A found is a device in a table.
type found struct {
	Device
	queued bool

	response  response // the last one
	whole     bool     // the complete name is known
	asked     int      // number of name requests that ended without a name
	answering bool     // it has answered since the last such request
}

// maxRequests is the number of requests for a device's name, if the device
// answers inquiries but not the requests.
const maxRequests = 2

// maxDevices is the maximum number of devices. It limits the memory of a long
// inquiry, since a transmitter can answer with any number of addresses.
const maxDevices = 1 << 16

func newTable() *table {
	return &table{known: make(map[rfcomm.BDAddr]*found), queued: make(chan struct{}, 1)}
}

// add adds the devices in an event, and their names.
func (t *table) add(e event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, r := range e.responses {
		t.respond(r)
	}
	if e.code == nameRequestComplete && e.status == success {
		if f := t.known[e.device]; f != nil {
			t.name(f, e.name, false)
		}
	}
}

// respond adds a response to an inquiry. It ignores new devices after maxDevices.
func (t *table) respond(r response) {
	f := t.known[r.device]
	if f == nil {
		if len(t.known) == maxDevices {
			return
		}
		f = &found{Device: Device{Addr: r.device, Class: r.class, RSSI: r.rssi}}
		t.known[r.device] = f
		t.order = append(t.order, f)
		t.enqueue(f)
	}
	f.response, f.answering = r, true
	if r.class != f.Class {
		f.Class = r.class
		t.enqueue(f)
	}
	if r.rssi != RSSIUnknown {
		if f.RSSI == RSSIUnknown {
			t.enqueue(f)
		}
		f.RSSI = r.rssi
	}
	if r.name != "" {
		t.name(f, r.name, r.shortened)
	}
}

// name sets a device's name. The beginning of a name does not replace a complete
// one.
func (t *table) name(f *found, name string, shortened bool) {
	if shortened && f.whole {
		return
	}
	f.whole = !shortened
	if name != f.Name {
		f.Name = name
		t.enqueue(f)
	}
}

func (t *table) enqueue(f *found) {
	if f.queued {
		return
	}
	f.queued = true
	t.queue = append(t.queue, f)
	select {
	case t.queued <- struct{}{}:
	default:
	}
}

// take returns the next device with news.
func (t *table) take() (Device, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.queue) == 0 {
		return Device{}, false
	}
	f := t.queue[0]
	t.queue = t.queue[1:]
	f.queued = false
	return f.Device, true
}

// nameless returns the last response of the next device whose complete name is
// to be requested.
func (t *table) nameless() (response, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, f := range t.order {
		if !f.whole && f.answering && f.asked < maxRequests {
			return f.response, true
		}
	}
	return response{}, false
}

// refused records that a name request to a device ended without a name. The
// device is asked again only after it has answered another inquiry.
func (t *table) refused(device rfcomm.BDAddr) {
	t.mu.Lock()
	defer t.mu.Unlock()
	f := t.known[device]
	f.asked++
	f.answering = false
}

// empty reports whether no device has news.
func (t *table) empty() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.queue) == 0
}
