// Package paging gives the pages of this process precedence over its other uses
// of a Bluetooth adapter's radio, such as inquiries and name requests.
//
// Many controllers refuse to page a device while they inquire
// (hci_acl_create_conn_sync), and others page more slowly. A dial therefore
// calls [Begin] before it calls connect(2), which stops each [Activity] on the
// adapter and keeps it stopped until the dial has ended. The package knows
// neither dials nor inquiries, so that package rfcomm does not depend on package
// inquiry.
package paging

import (
	"context"
	"sync"
	"time"
)

// patience is the maximum time that Begin waits for activities to stop. A
// controller stops an inquiry within milliseconds.
const patience = time.Second

// registry holds the pages and activities of this process.
var registry struct {
	mu         sync.Mutex
	pages      map[[6]byte]int // pending pages by adapter; zero is any adapter
	activities map[*Activity]struct{}
}

// Begin announces a page of an adapter, or of any adapter if the address is
// zero. It returns when the activities on the adapter have stopped, when ctx is
// done, or after 1 s. Until end is called, none of them starts again. End must
// be called exactly once.
func Begin(ctx context.Context, adapter [6]byte) (end func()) {
	if stopping := announce(adapter); stopping != nil {
		ctx, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		await(ctx, stopping)
	}
	return func() { withdraw(adapter) }
}

// await waits until all channels are closed, or until ctx is done.
func await(ctx context.Context, all []<-chan struct{}) {
	for _, closed := range all {
		select {
		case <-closed:
		case <-ctx.Done():
			return
		}
	}
}

// announce adds a page. It returns a channel for each activity on the adapter
// that must stop, which the activity closes when it has.
func announce(adapter [6]byte) (stopping []<-chan struct{}) {
	registry.mu.Lock()
	defer registry.mu.Unlock()
	if registry.pages == nil {
		registry.pages = make(map[[6]byte]int)
	}
	registry.pages[adapter]++
	for a := range registry.activities {
		if a.isOn(adapter) && a.stopped != nil {
			stopping = append(stopping, a.stopped)
			a.notify()
		}
	}
	return stopping
}

// withdraw removes a page and notifies the activities that can start again.
func withdraw(adapter [6]byte) {
	registry.mu.Lock()
	defer registry.mu.Unlock()
	if registry.pages[adapter]--; registry.pages[adapter] == 0 {
		delete(registry.pages, adapter)
	}
	for a := range registry.activities {
		if a.isOn(adapter) && !a.pagePending() {
			a.notify()
		}
	}
}

// An Activity uses the radio of an adapter and can be interrupted. Its methods
// may be called by several goroutines.
type Activity struct {
	adapter [6]byte
	changed chan struct{}
	stopped chan struct{} // closed by Stop; nil while stopped; guarded by registry.mu
}

// Register returns a new activity on an adapter, which has not started. The
// caller must call Close.
func Register(adapter [6]byte) *Activity {
	a := &Activity{adapter: adapter, changed: make(chan struct{}, 1)}
	registry.mu.Lock()
	defer registry.mu.Unlock()
	if registry.activities == nil {
		registry.activities = make(map[*Activity]struct{})
	}
	registry.activities[a] = struct{}{}
	return a
}

// Start starts the activity. It returns false, and does nothing, if a page is
// pending on the adapter. Changed then receives when no page is pending any
// more.
func (a *Activity) Start() bool {
	registry.mu.Lock()
	defer registry.mu.Unlock()
	if a.pagePending() {
		return false
	}
	if a.stopped == nil {
		a.stopped = make(chan struct{})
	}
	return true
}

// Stop records that the activity does not use the radio any more.
func (a *Activity) Stop() {
	registry.mu.Lock()
	defer registry.mu.Unlock()
	a.stop()
}

func (a *Activity) stop() {
	if a.stopped != nil {
		close(a.stopped)
		a.stopped = nil
	}
}

// Changed returns a channel that receives after PagePending may have changed.
func (a *Activity) Changed() <-chan struct{} { return a.changed }

// PagePending reports whether a page is pending on the adapter. If so, the
// activity must stop.
func (a *Activity) PagePending() bool {
	registry.mu.Lock()
	defer registry.mu.Unlock()
	return a.pagePending()
}

func (a *Activity) pagePending() bool {
	return registry.pages[a.adapter] > 0 || registry.pages[[6]byte{}] > 0
}

// Close stops the activity and removes it.
func (a *Activity) Close() {
	registry.mu.Lock()
	defer registry.mu.Unlock()
	a.stop()
	delete(registry.activities, a)
}

// isOn reports whether a page of the given adapter, zero for any, concerns the
// activity.
func (a *Activity) isOn(adapter [6]byte) bool {
	return adapter == [6]byte{} || adapter == a.adapter
}

func (a *Activity) notify() {
	select {
	case a.changed <- struct{}{}:
	default:
	}
}
