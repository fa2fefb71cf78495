package rfcomm

import (
	"sync"
	"time"
)

// recentFor is how long after a close of this process a refused dial may be
// due to it.
const recentFor = 3 * time.Second

// recent holds when this process last closed a connection to a device.
var recent struct {
	sync.Mutex
	closed map[BDAddr]time.Time
}

// justClosed notes that a connection to the device was closed.
func justClosed(device BDAddr) {
	recent.Lock()
	defer recent.Unlock()
	now := time.Now()
	for other, at := range recent.closed {
		if now.Sub(at) > recentFor {
			delete(recent.closed, other)
		}
	}
	if recent.closed == nil {
		recent.closed = make(map[BDAddr]time.Time)
	}
	recent.closed[device] = now
}

// recentlyClosed reports whether a connection to the device was closed in the
// last recentFor.
func recentlyClosed(device BDAddr) bool {
	recent.Lock()
	defer recent.Unlock()
	at, ok := recent.closed[device]
	return ok && time.Since(at) <= recentFor
}
