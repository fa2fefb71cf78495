package rfcomm

import (
	"github.com/go-rfcomm/rfcomm/internal/framing"
	"github.com/go-rfcomm/rfcomm/internal/hci"
)

// An Adapter is a Bluetooth controller of this machine.
type Adapter struct {
	Index int    // 0 for hci0
	Name  string // "hci0"
	Addr  BDAddr // zero until the kernel has read it from the controller
	Up    bool   // powered on

	// PageScan reports whether devices can connect to the adapter. Desktops
	// switch it off while no device is paired and the adapter is not
	// discoverable.
	PageScan bool

	// InquiryScan reports whether devices can discover the adapter. A device
	// that has the adapter's address can connect without discovering it.
	InquiryScan bool
}

// Adapters returns the machine's Bluetooth adapters in the order of their
// indexes. It needs no privilege. Errors are *net.OpError. The error matches
// EAFNOSUPPORT if the kernel has no Bluetooth, as in most containers, and
// errors.ErrUnsupported on other platforms.
func Adapters() ([]Adapter, error) {
	adapters, err := adapters()
	if err != nil {
		return nil, opError(opAdapters, nil, nil, err)
	}
	return adapters, nil
}

// AdapterByName returns the adapter with the given name, such as "hci0". If
// there is none, the error is a *net.OpError that holds a *net.AddrError. Other
// errors are those of [Adapters].
func AdapterByName(name string) (*Adapter, error) {
	return findAdapter(name, func(a *hci.Adapter) bool { return a.Name == name })
}

// AdapterByAddr returns the adapter with the given address. Errors are like
// those of [AdapterByName].
func AdapterByAddr(address BDAddr) (*Adapter, error) {
	return findAdapter(address.String(), func(a *hci.Adapter) bool { return a.Address == address })
}

// findAdapter returns the first adapter that matches.
func findAdapter(wanted string, matches func(*hci.Adapter) bool) (*Adapter, error) {
	found, err := hci.Find(wanted, matches)
	if err != nil {
		return nil, opError(opAdapters, nil, nil, err)
	}
	adapter := adapterOf(found)
	return &adapter, nil
}

// adapters returns the machine's adapters with an error that is not an OpError.
func adapters() ([]Adapter, error) {
	found, err := hci.Adapters()
	if err != nil {
		return nil, err
	}
	adapters := make([]Adapter, len(found))
	for i, a := range found {
		adapters[i] = adapterOf(&a)
	}
	return adapters, nil
}

func adapterOf(a *hci.Adapter) Adapter {
	return Adapter{
		Index:       a.Index,
		Name:        a.Name,
		Addr:        a.Address,
		Up:          a.Flags&hci.Up != 0,
		PageScan:    a.Flags&hci.PageScan != 0,
		InquiryScan: a.Flags&hci.InquiryScan != 0,
	}
}

// airOf returns how an adapter sends, or the zero Air if that is not known. The
// result only affects speed, so errors are ignored.
func airOf(adapter BDAddr) framing.Air {
	all, err := hci.Adapters()
	if err != nil {
		return framing.Air{}
	}
	for _, a := range all {
		if a.Address == adapter {
			return framing.Air{ACLLength: a.ACLLength, Packets: a.Packets}
		}
	}
	return framing.Air{}
}
