package hci

import (
	"fmt"
	"net"
	"strings"
)

// Find returns the first adapter that matches. If none does, the error is a
// *net.AddrError that holds the wanted name or address and lists the machine's
// adapters.
func Find(wanted string, matches func(*Adapter) bool) (*Adapter, error) {
	adapters, err := Adapters()
	if err != nil {
		return nil, err
	}
	var have []string
	for i := range adapters {
		if matches(&adapters[i]) {
			return &adapters[i], nil
		}
		have = append(have, fmt.Sprintf("%s (%s)", adapters[i].Name, formatAddress(adapters[i].Address)))
	}
	if have == nil {
		have = []string{"no adapter"}
	}
	return nil, &net.AddrError{Err: "no such Bluetooth adapter; this machine has " + strings.Join(have, ", "), Addr: wanted}
}

// FindAddress is Find for the adapter with the given address.
func FindAddress(address [6]byte) (*Adapter, error) {
	return Find(formatAddress(address), func(a *Adapter) bool { return a.Address == address })
}

func formatAddress(address [6]byte) string {
	return strings.ReplaceAll(fmt.Sprintf("% X", address[:]), " ", ":")
}
