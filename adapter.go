package rfcomm

import (
	"fmt"
	"net"
	"strings"

	"github.com/go-rfcomm/rfcomm/internal/btsocket"
	"github.com/go-rfcomm/rfcomm/internal/hci"
)

// An Adapter is a Bluetooth controller of this machine.
type Adapter struct {
	Index int    // 0 for hci0
	Name  string // "hci0"
	Addr  BDAddr // zero while the kernel has not read it
	Up    bool   // powered on

	// PageScan reports whether devices can connect to the adapter. Desktops
	// switch it off while nothing is paired and the adapter is not discoverable.
	PageScan bool

	// InquiryScan reports whether devices can find the adapter. A device that
	// has its address can connect without.
	InquiryScan bool
}

// Adapters returns the machine's Bluetooth adapters in the order of their
// indexes. It needs no privilege. Its errors are *net.OpError; one matches
// EAFNOSUPPORT where the kernel has no Bluetooth, which is so in most
// containers, and errors.ErrUnsupported on systems other than Linux.
func Adapters() ([]Adapter, error) {
	adapters, err := adapters()
	if err != nil {
		return nil, opError(opAdapters, nil, nil, err)
	}
	return adapters, nil
}

// AdapterByName returns the adapter with a name such as "hci0". Its errors are
// those of [Adapters], and a *net.AddrError in a *net.OpError if there is no
// such adapter.
func AdapterByName(name string) (*Adapter, error) {
	adapter, err := findAdapter(name, func(a *Adapter) bool { return a.Name == name })
	if err != nil {
		return nil, opError(opAdapters, nil, nil, err)
	}
	return adapter, nil
}

func adapters() ([]Adapter, error) {
	found, err := hci.Adapters()
	if err != nil {
		return nil, err
	}
	adapters := make([]Adapter, len(found))
	for i, a := range found {
		adapters[i] = Adapter{
			Index:       a.Index,
			Name:        a.Name,
			Addr:        a.Address,
			Up:          a.Flags&hci.Up != 0,
			PageScan:    a.Flags&hci.PageScan != 0,
			InquiryScan: a.Flags&hci.InquiryScan != 0,
		}
	}
	return adapters, nil
}

// adapterByAddr returns the adapter with the given address.
func adapterByAddr(address BDAddr) (*Adapter, error) {
	return findAdapter(address.String(), func(a *Adapter) bool { return a.Addr == address })
}

// findAdapter returns the first adapter that matches. Its error names those
// that there are.
func findAdapter(wanted string, matches func(*Adapter) bool) (*Adapter, error) {
	adapters, err := adapters()
	if err != nil {
		return nil, err
	}
	var have []string
	for i := range adapters {
		if matches(&adapters[i]) {
			return &adapters[i], nil
		}
		have = append(have, fmt.Sprintf("%s (%s)", adapters[i].Name, adapters[i].Addr))
	}
	if have == nil {
		have = []string{"no adapter"}
	}
	return nil, &net.AddrError{Err: "no such Bluetooth adapter; this machine has " + strings.Join(have, ", "), Addr: wanted}
}

// airOf returns how an adapter sends, or zero if there is no telling. It serves
// speed alone, so no error comes out of it.
func airOf(adapter BDAddr) btsocket.Air {
	all, err := hci.Adapters()
	if err != nil {
		return btsocket.Air{}
	}
	for _, a := range all {
		if a.Address == adapter {
			return btsocket.Air{ACLLength: a.ACLLength, Packets: a.Packets}
		}
	}
	return btsocket.Air{}
}
