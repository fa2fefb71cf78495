package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/bluez"
)

// newAgent returns an agent that answers requests for a PIN, if there is one, and
// refuses all others. A phone needs no answer: if the capability of the agent is
// NoInputNoOutput, the kernel accepts the phone.
func newAgent() bluez.Agent {
	if *pin == "" {
		return bluez.RejectAll{}
	}
	return bluez.FixedPIN(*pin)
}

// paired returns the paired devices of an adapter.
func paired(ctx context.Context, adapter *bluez.Adapter) (map[rfcomm.BDAddr]*bluez.Device, error) {
	devices, err := adapter.Devices(ctx)
	if err != nil {
		return nil, err
	}
	bonded := make(map[rfcomm.BDAddr]*bluez.Device)
	for _, device := range devices {
		properties, err := device.Properties(ctx)
		if errors.Is(err, bluez.ErrGone) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if properties.Bonded {
			bonded[device.Address()] = device
		}
	}
	return bonded, nil
}

// trustNew trusts the first paired device that is not known, so that it may also
// use the profiles of other programs.
func trustNew(ctx context.Context, adapter *bluez.Adapter, known map[rfcomm.BDAddr]*bluez.Device) (found bool, err error) {
	devices, err := paired(ctx, adapter)
	for address, device := range devices {
		if known[address] == nil {
			fmt.Println("Paired with", device)
			return true, device.SetTrusted(ctx, true)
		}
	}
	return false, err
}
