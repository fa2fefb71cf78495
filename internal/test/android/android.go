// Package android dials as an app on Android does, from an adapter of this
// machine, so that tests can show which servers a phone finds. The sequence is
// that of AOSP's packages/modules/Bluetooth in Android 14, with the function in
// parentheses. It was not compared with a phone.
//
//   - The phone connects to the SDP server without security (sdp_conn_originate).
//     It searches for the UUID, and asks for all attributes in parts of at most
//     1008 bytes (process_service_search_attr_rsp).
//   - It closes the SDP channel, and only then uses the result
//     (sdp_disconnect_cfm, bta_jv_start_discovery_cback).
//   - It takes the first record that has the UUID in its class list or as its
//     service ID, encoded in the shortest form (SDP_FindServiceUUIDInDb,
//     sdpu_compare_uuid_with_attr). If that record has no RFCOMM channel, the
//     dial fails, even if other records have one.
//   - It dials the channel with the security that the app has selected
//     (bta_jv_rfcomm_connect).
package android

import (
	"context"
	"errors"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/sdp"
)

// A Phone is an adapter that connects like an app on Android.
type Phone struct {
	Adapter rfcomm.BDAddr

	// Secure selects createRfcommSocketToServiceRecord, which most apps call.
	// The link must then be authenticated and encrypted, and devices that are
	// not paired pair first. The key need not resist a man in the middle if one
	// of the devices has no buttons or no display
	// (btm_sec_is_upgrade_possible). Linux calls that SecurityMedium.
	//
	// The default is createInsecureRfcommSocketToServiceRecord, which has no
	// requirement. Devices with simple pairing encrypt the link nevertheless.
	Secure bool

	// Wide makes the Phone search for all UUIDs in 128 bits, as Android 8.1
	// did (system/bt, btsock_rfc_connect). Since Android 9, the UUID of the
	// search has the shortest form (sdpu_build_uuid_seq).
	Wide bool
}

// ErrFailed is the error of a dial that finds no channel. Whatever the reason,
// an app gets an IOException with this text (BluetoothSocket.readAll).
var ErrFailed = errors.New("read failed, socket might closed or timeout, read ret: -1")

// Dial connects to a service of a device as BluetoothSocket.connect does.
func (p Phone) Dial(ctx context.Context, device rfcomm.BDAddr, service sdp.UUID) (*rfcomm.Conn, error) {
	records, err := p.Search(ctx, device, service)
	if err != nil {
		return nil, err
	}
	channel, err := channelOf(records, service)
	if err != nil {
		return nil, err
	}
	d := rfcomm.Dialer{LocalAddr: rfcomm.Addr{Device: p.Adapter}}
	if p.Secure {
		d.Security = rfcomm.SecurityMedium
	}
	return d.DialRFCOMM(ctx, rfcomm.Addr{Device: device, Channel: channel})
}

// channelOf returns the channel that the phone dials.
func channelOf(records []*sdp.Record, service sdp.UUID) (channel int, err error) {
	shortest := sdp.UUIDElement(service)
	for _, r := range records {
		classes, _ := r.Get(sdp.AttributeServiceClassIDList)
		id, _ := r.Get(sdp.AttributeServiceID)
		for _, element := range append(classes.Elements(), id) {
			if element != shortest { // == compares the encodings
				continue
			}
			if channel, ok := r.Channel(); ok {
				return channel, nil
			}
			return 0, ErrFailed
		}
	}
	return 0, ErrFailed
}
