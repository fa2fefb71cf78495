// Package adapter controls the kernel's adapters: it brings them up, takes them
// down, sets their scans, pairs them, and waits until the kernel has done so.
// On platforms other than Linux its functions fail.
package adapter

import "errors"

// ErrSetUp means that the kernel could not set up a new adapter.
var ErrSetUp = errors.New("the kernel could not set up the adapter")

// A Scan is the set of requests that an adapter answers, as in the HCI command
// Write Scan Enable (Volume 4, Part E, section 7.3.18).
type Scan uint8

const (
	InquiryScan Scan = 0x01 // devices can discover the adapter
	PageScan    Scan = 0x02 // devices can connect to it
)

// An Adapter is one of the kernel's adapters.
type Adapter struct {
	Index   int
	Address [6]byte // BD_ADDR, the most significant byte first
}

// An Association is how two adapters pair. The values are those of package
// mgmt.
type Association uint8

const (
	JustWorks Association = iota
	NumericComparison
	PasskeyEntry
	LegacyPIN
)
