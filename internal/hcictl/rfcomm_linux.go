package hcictl

import (
	"os"
	"path/filepath"
	"strings"
	"time"
)

const (
	// idleReadings is the number of consecutive readings of the state "sleeping"
	// after which the RFCOMM thread counts as idle. One could fall into the moment
	// in which the thread is about to sleep and has just been woken.
	idleReadings = 3

	// idlePause is the time between two readings.
	idlePause = time.Millisecond

	// idlePatience limits the wait for a thread that a stalled link keeps busy.
	idlePatience = 2 * time.Second

	// hiddenWait is the wait if the kernel's threads are not visible, as in a
	// container.
	hiddenWait = 100 * time.Millisecond
)

// AwaitRFCOMMIdle waits until the kernel's RFCOMM thread is idle, at most 2 s. It
// has then dropped the sessions of links and adapters that the kernel no longer
// lists: the kernel wakes the thread before it removes a link from its list
// (l2cap_conn_del, hci_conn_del).
func AwaitRFCOMMIdle() {
	readings := 0
	for end := time.Now().Add(idlePatience); readings < idleReadings && time.Now().Before(end); time.Sleep(idlePause) {
		switch RFCOMMThreadState() {
		case 0:
			time.Sleep(hiddenWait)
			return
		case 'S':
			readings++
		default:
			readings = 0
		}
	}
}

// RFCOMMThreadState returns the state of the kernel's RFCOMM thread as in
// /proc/PID/stat: S while it is idle, D while it waits for a lock. The state is 0 if
// the thread is not visible.
func RFCOMMThreadState() byte {
	files, _ := filepath.Glob("/proc/[0-9]*/stat") // the pattern is valid
	for _, file := range files {
		stat, _ := os.ReadFile(file) // fails if the process has ended
		if state := threadState(string(stat), "krfcommd"); state != 0 {
			return state
		}
	}
	return 0
}

// threadState returns the state in the content of a file /proc/PID/stat, or 0 if
// the thread has another name.
func threadState(stat, name string) byte {
	_, rest, ok := strings.Cut(stat, " ("+name+") ")
	if !ok || rest == "" {
		return 0
	}
	return rest[0]
}
