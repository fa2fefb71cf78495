package mgmt

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"testing"
)

// found sends Device Found for an adapter.
func (k *kernel) found(index int, device [6]byte, rssi int8, data string) {
	k.Helper()
	p := append(kernelOrder(device), addressTypeBREDR, byte(rssi), 0, 0, 0, 0)
	p = binary.LittleEndian.AppendUint16(p, uint16(len(data)))
	k.send(deviceFound, index, append(p, data...)...)
}

// expect receives a command and answers it.
func (k *kernel) expect(opcode uint16, index int, status byte) {
	k.Helper()
	got, of, parameters := k.receive()
	if got != opcode || of != index {
		k.Errorf("command 0x%04x for hci%d, % x; want 0x%04x for hci%d", got, of, parameters, opcode, index)
	}
	k.answer(opcode, index, status)
}

func TestSocketDiscoverEnds(t *testing.T) {
	const ours2, others = 1, 2
	for name, tt := range map[string]struct {
		limited bool
		enough  int // devices until the discovery is stopped
		want    int
		end     func(k *kernel)
	}{
		"by the kernel": {false, 9, 3, func(*kernel) {}},
		"by found":      {true, 2, 2, func(k *kernel) { k.expect(stopDiscovery, ours2, 0) }},
		"by both":       {false, 1, 1, func(k *kernel) { k.expect(stopDiscovery, ours2, rejected) }},
	} {
		t.Run(name, func(t *testing.T) {
			m, k := newTestSocket(t, nil)
			var devices []Device
			result := make(chan error)
			go func() {
				result <- m.Discover(ours2, tt.limited, func(d Device) bool {
					devices = append(devices, d)
					return len(devices) < tt.enough
				})
			}()
			if tt.limited {
				k.expect(startLimitedDiscovery, ours2, 0)
			} else {
				k.expect(startDiscovery, ours2, 0)
			}
			k.send(discovering, ours2, 1, 0) // the end of an earlier discovery
			k.send(discovering, ours2, 1, 1)
			k.found(others, foreign, 0, "")
			for range 3 {
				k.found(ours2, foreign, -70, "\x02\x09x")
			}
			k.send(discovering, others, 1, 0)
			tt.end(k)
			k.send(discovering, ours2, 1, 0)
			if err := <-result; err != nil {
				t.Fatal(err)
			}
			if len(devices) != tt.want {
				t.Fatalf("found %d devices, want %d", len(devices), tt.want)
			}
			for _, d := range devices {
				if d.Address != foreign || d.RSSI != -70 || d.Name() != "x" {
					t.Errorf("found %+v", d)
				}
			}
			if len(m.observers) != 0 {
				t.Errorf("%d observers are left", len(m.observers))
			}
		})
	}
}

func TestSocketDiscoverFails(t *testing.T) {
	const notPowered = 0x0F
	m, k := newTestSocket(t, nil)
	discover := func() <-chan error {
		result := make(chan error)
		go func() { result <- m.Discover(0, false, func(Device) bool { return true }) }()
		return result
	}
	result := discover()
	k.expect(startDiscovery, 0, notPowered)
	var refused *commandError
	if err := <-result; !errors.As(err, &refused) || refused.status != notPowered {
		t.Errorf("refused: %v", err)
	}
	result = discover()
	k.expect(startDiscovery, 0, 0)
	m.Close()
	if err := <-result; !errors.Is(err, os.ErrClosed) {
		t.Errorf("closed: %v", err)
	}
}

func TestDeviceData(t *testing.T) {
	for data, want := range map[string]struct {
		name  string
		class uint32
	}{
		"":                                 {"", 0},
		"\x09\x09name\x04\x0d":             {"", 0}, // the data is shorter than its length
		"\x05\x09OBDI\x04\x0d\x0c\x02\x5a": {"OBDI", 0x5a020c},
		"\x02\x0a\x04\x02\x09n\x00\x01":    {"n", 0},
		"\x03\x0d\x0c\x02\x09\x09cut":      {"", 0},
		"\x01\x09":                         {"", 0},
	} {
		d := Device{Data: []byte(data)}
		if d.Name() != want.name || d.Class() != want.class {
			t.Errorf("%q: name %q, class 0x%06x; want %q, 0x%06x", data, d.Name(), d.Class(), want.name, want.class)
		}
	}
}

func TestSocketLists(t *testing.T) {
	m, k := newTestSocket(t, nil)
	for index, want := range map[int]bool{1: true, 258: true, 2: false, 0: false} {
		go func() {
			if opcode, of, _ := k.receive(); opcode != readIndexList || of != noAdapter {
				k.Errorf("command 0x%04x for hci%d", opcode, of)
			}
			k.send(commandComplete, noAdapter, readIndexList, 0, 0, 2, 0, 1, 0, 2, 1) // 2 adapters: 1 and 258
		}()
		if got, err := m.Lists(index); got != want || err != nil {
			t.Errorf("hci%d: %v, %v; want %v", index, got, err, want)
		}
	}
}

func TestSocketReadsInfo(t *testing.T) {
	m, k := newTestSocket(t, nil)
	type result struct {
		Info
		error
	}
	results := make(chan result)
	go func() {
		info, err := m.ReadInfo(1)
		results <- result{info, err}
	}()
	k.expect(readInfo, 1, 0x11) // invalid index: the kernel is setting the adapter up
	k.receive()
	p := append(kernelOrder(ours), 7, 0xff, 0xff, 0x40, 8, 0, 0, 0, 0, 0, 0, 0x0c, 0x02, 0x5a)
	p = append(append(p, "printer"...), make([]byte, 249-len("printer")+11)...)
	k.send(commandComplete, 1, append([]byte{byte(readInfo), 0, 0}, p...)...)
	got := <-results
	want := Info{Address: ours, Version: 7, Supported: SimplePairing | SecureConnections, Class: 0x5a020c, Name: "printer"}
	if got.error != nil || got.Info != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestSocketReadsRSSI(t *testing.T) {
	m, k := newTestSocket(t, nil)
	rssi := make(chan int8)
	go func() {
		got, err := m.RSSI(0, foreign)
		if err != nil {
			t.Error(err)
		}
		rssi <- got
	}()
	opcode, _, parameters := k.receive()
	if want := append(kernelOrder(foreign), addressTypeBREDR); opcode != getConnectionInfo || !bytes.Equal(parameters, want) {
		t.Errorf("command 0x%04x, % x", opcode, parameters)
	}
	low := int8(-10)
	k.send(commandComplete, 0, append([]byte{byte(opcode), 0, 0}, append(parameters, byte(low), 0, 0)...)...)
	if got := <-rssi; got != low {
		t.Errorf("RSSI %d, want %d", got, low)
	}
}
