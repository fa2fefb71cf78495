package main

import (
	"context"
	"fmt"
	"net"
	"strconv"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/examples/internal/show"
)

// listen opens the listener that the flags specify.
func listen(o options) (net.Listener, error) {
	if o.listen != "" {
		return net.Listen("tcp", o.listen)
	}
	address := rfcomm.Addr{Channel: o.channel} // on all adapters
	if o.adapter != "" {
		adapter, err := rfcomm.AdapterByName(o.adapter)
		if err != nil {
			return nil, err
		}
		if adapter.Addr.IsZero() {
			return nil, fmt.Errorf("adapter %s has no address yet: power it on with \"bluetoothctl power on\"", adapter.Name)
		}
		address.Device = adapter.Addr
	}
	listener, err := new(rfcomm.ListenConfig).ListenRFCOMM(context.Background(), address)
	if err != nil {
		return nil, err
	}
	return listener, nil
}

// printDirs prints the directories of the server.
func printDirs(o options) {
	fmt.Println("Serving the files in", show.Name(o.dir))
	if o.uploads != "" {
		fmt.Println("Storing uploads in", show.Name(o.uploads))
	}
}

// printAddresses prints the addresses of the listener and the commands to
// connect to it.
func printAddresses(listener net.Listener) {
	switch address := listener.Addr().(type) {
	case rfcomm.Addr:
		printAdapters(address)
	case *net.TCPAddr:
		fmt.Println("Listening on", address)
		if address.IP.IsUnspecified() {
			fmt.Println("To connect:  client -connect", net.JoinHostPort("localhost", strconv.Itoa(address.Port)))
		} else {
			fmt.Println("To connect:  client -connect", address)
		}
	}
}

// printAdapters prints the adapters through which a Bluetooth listener can be
// reached. If there is none, it prints a warning.
func printAdapters(address rfcomm.Addr) {
	adapters, err := rfcomm.Adapters()
	if err != nil {
		fmt.Println("The adapters are unknown:", err)
		return
	}
	up, reachable := 0, 0
	for _, adapter := range adapters {
		if !address.Device.IsZero() && address.Device != adapter.Addr {
			continue
		}
		if !adapter.Up {
			fmt.Printf("Adapter %s is down: power it on with \"bluetoothctl power on\".\n", adapter.Name)
			continue
		}
		up++
		if adapter.PageScan {
			reachable++
		} else {
			fmt.Printf("Adapter %s answers no connections (page scan is off): turn page scan on for three minutes with "+
				"\"bluetoothctl discoverable on\"; with a paired device it stays on.\n", adapter.Name)
		}
		fmt.Printf("Listening on channel %d of %s, %s\n", address.Channel, adapter.Name, adapter.Addr)
		fmt.Printf("To connect:  client -channel %d %s\n", address.Channel, adapter.Addr)
	}
	switch {
	case up == 0:
		fmt.Printf("Warning: listening on channel %d, but no Bluetooth adapter is up: nobody can connect yet.\n", address.Channel)
	case reachable == 0:
		fmt.Printf("Warning: listening on channel %d, but no Bluetooth adapter answers connections: nobody can connect yet.\n", address.Channel)
	}
}
