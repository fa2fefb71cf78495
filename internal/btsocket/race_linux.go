//go:build race

package btsocket

import (
	"runtime"
	"unsafe"
)

// ioSync orders every send before later receives for the race detector, as in
// package syscall.
var ioSync int64

// raceReceived informs the race detector that the kernel has written to p.
func raceReceived(p []byte) {
	runtime.RaceAcquire(unsafe.Pointer(&ioSync))
	if len(p) > 0 {
		runtime.RaceWriteRange(unsafe.Pointer(&p[0]), len(p))
	}
}

// raceSending informs the race detector that the kernel is about to read p.
func raceSending(p []byte) {
	runtime.RaceReleaseMerge(unsafe.Pointer(&ioSync))
	if len(p) > 0 {
		runtime.RaceReadRange(unsafe.Pointer(&p[0]), len(p))
	}
}
