//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/hci"
	"github.com/go-rfcomm/rfcomm/internal/hcictl"
)

// The programs of OBEX. obexd offers its services through bluetoothd, which it
// finds on the system's message bus. It also needs a session bus.
const (
	obexClient      = "obexftp"
	obexServer      = "/usr/libexec/bluetooth/obexd"
	bluetoothd      = "/usr/libexec/bluetooth/bluetoothd"
	systemBus       = "dbus-daemon"
	systemDirectory = "/run/dbus"
	sessionBus      = "dbus-run-session"
)

// pushChannel is the channel of obexd's Object Push service. Its File Transfer
// service requires authentication, and a person who answers.
const pushChannel = 9

// obexBytes is the size of the largest file. obexftp prints nothing while it
// sends, and is so slow that a larger file would count as hanging.
const obexBytes = 1 << 20

// lastServiceChannel is the last channel that obexd uses for its services. The
// first is pushChannel.
const lastServiceChannel = 17

// obex measures files that a client sends to a server, as obexftp does to
// obexd.
func obex(b *bench) error {
	for _, program := range []string{obexClient, obexServer, bluetoothd, systemBus, sessionBus} {
		if _, err := exec.LookPath(program); err != nil {
			fmt.Printf("\nOBEX is left out: %v.\n", err)
			return nil
		}
	}
	defer func(usual int64) { b.effort.fileBytes = usual }(b.effort.fileBytes)
	b.effort.fileBytes = min(b.effort.fileBytes, obexBytes)
	dir, err := b.fileDirectory()
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	received, err := os.MkdirTemp("", "obex")
	if err != nil {
		return err
	}
	defer os.RemoveAll(received)
	// The open links were made without simple pairing, which bluetoothd turns
	// on. They could not be encrypted without a person who answers.
	if err := b.radio.dropLinks(); err != nil {
		return err
	}
	daemons, err := b.startObex(received)
	defer killAll(daemons)
	if err != nil {
		return err
	}
	server := daemons[len(daemons)-1]

	const (
		obexName = obexClient + " to obexd (Object Push)"
		framed   = "framed dialect"
		bytes    = "the bytes alone, " + rawCalls
	)
	ways := map[string]func() (sample, error){
		obexName: func() (sample, error) { return b.push(server, dir, received) },
		framed: func() (sample, error) {
			return b.transfer(way{name: framed, server: b.fileEnd("library", roleServe), client: b.fileEnd("library", rolePut)}, dir, false)
		},
		bytes: func() (sample, error) {
			return b.transfer(way{name: bytes, server: b.fileEnd("raw", roleTakeBytes), client: b.fileEnd("raw", rolePutBytes)}, dir, false)
		},
	}
	names := []string{framed, obexName, bytes}
	progress("OBEX")
	// obexd does not report when its service is ready, and the first
	// connection, which makes a bond, may fail.
	for range 10 {
		if _, err = b.push(server, dir, received); err == nil {
			break
		}
		progress("the first push: %v", err)
		time.Sleep(time.Second)
	}
	if err := b.radio.keepLinks(); err != nil {
		return err
	}
	b.lastChannel = lastServiceChannel
	o := rounds(b.effort.rounds, names, func(name string) (s sample, err error) {
		for range attempts {
			s, err = ways[name]()
			if err == nil || errors.Is(err, errHangs) {
				break
			}
		}
		return s, err
	})
	t := newTable("Putting a file, beside OBEX", "", "MB/s", "× OBEX", "× bytes alone", "CPU ms for a MiB", "× OBEX", "× bytes alone")
	t.note("A file of %d KiB, from the moment the connection is open until the server has the file. bluetoothd is running and encrypts the link. The CPU time of OBEX is that of obexftp and obexd.", b.effort.fileBytes>>10)
	for _, name := range names {
		t.row(name, o.cell(name, sample.megabytes, "%.2f"), o.times(name, obexName, sample.megabytes), o.times(name, bytes, sample.megabytes),
			o.cell(name, sample.cpuPerMebibyte, "%.0f"), o.times(name, obexName, sample.cpuPerMebibyte), o.times(name, bytes, sample.cpuPerMebibyte))
	}
	t.print()
	return nil
}

// A daemon is a program in the background.
type daemon struct {
	command []string
	ready   string // the text that it prints when it is ready
}

// systemDaemons are bluetoothd and the bus on which it is found.
var systemDaemons = []daemon{
	{[]string{systemBus, "--system", "--nofork", "--nopidfile", "--print-address"}, "unix:"},
	{[]string{bluetoothd, "--nodetach"}, "management interface"},
}

// startObex starts the programs that obexd needs, and then obexd.
func (b *bench) startObex(dir string) ([]*process, error) {
	obexd := daemon{[]string{sessionBus, "--", obexServer, "--nodetach", "--auto-accept", "--root", dir}, "OBEX daemon"}
	daemons, err := startDaemons(append(slices.Clone(systemDaemons), obexd))
	if err != nil {
		return daemons, err
	}
	return daemons, b.radio.makeConnectable()
}

// startDaemons starts daemons, one after the other. It returns those that it has
// started also after an error.
func startDaemons(daemons []daemon) ([]*process, error) {
	var started []*process
	if err := os.MkdirAll(systemDirectory, 0o755); err != nil {
		return nil, err
	}
	for _, d := range daemons {
		p, err := start(d.command...)
		if err != nil {
			return started, err
		}
		started = append(started, p)
		if _, err := p.waitFor(d.ready); err != nil {
			return started, fmt.Errorf("starting %s: %w", d.command[0], err)
		}
	}
	return started, nil
}

func killAll(processes []*process) {
	for _, p := range processes {
		p.kill()
	}
}

// makeConnectable makes the listening adapter answer pages again. bluetoothd has turned
// that off.
func (r *radio) makeConnectable() error { return r.setScan(hcictl.ScanInquiryAndPage) }

// setScan turns scans of the listening adapter on or off.
func (r *radio) setScan(scan hcictl.Scan) error {
	index, err := adapterIndex(r.listening)
	if err != nil {
		return err
	}
	return hcictl.SetScan(index, scan)
}

// adapterIndex returns the kernel's number of an adapter.
func adapterIndex(address rfcomm.BDAddr) (int, error) {
	adapters, err := hci.Adapters()
	if err != nil {
		return 0, err
	}
	for _, adapter := range adapters {
		if rfcomm.BDAddr(adapter.Address) == address {
			return adapter.Index, nil
		}
	}
	return 0, fmt.Errorf("the adapter %v is gone", address)
}

// push sends the file with obexftp, which prints "done" when it is connected,
// and again when the file is sent.
func (b *bench) push(server *process, dir, received string) (sample, error) {
	path := filepath.Join(received, fileName)
	os.Remove(path)
	// obexftp parses an address as a number.
	from, err := adapterIndex(b.radio.dialing[0])
	if err != nil {
		return sample{}, err
	}
	client, err := start("env", "-C", dir, obexClient, "-b", b.radio.listening.String(), "-B", fmt.Sprint(pushChannel),
		"-d", fmt.Sprint(from), "-U", "none", "-H", "-S", "-p", fileName)
	if err != nil {
		return sample{}, err
	}
	defer client.kill()
	m := meter{radio: b.radio, ends: []*process{client, server}}
	if _, err := client.waitFor("done"); err != nil {
		return sample{}, err
	}
	begin, err := m.read()
	if err != nil {
		return sample{}, err
	}
	if _, err := client.waitFor("done"); err != nil {
		return sample{}, err
	}
	end, err := m.read()
	if err != nil {
		return sample{}, err
	}
	select { // it needs a moment to disconnect
	case <-client.ended:
	case <-time.After(hangLimit):
		return sample{}, errHangs
	}
	if info, err := os.Stat(path); err != nil || info.Size() != b.effort.fileBytes {
		return sample{}, fmt.Errorf("obexd has not got the file (%v)", err)
	}
	s := end.since(begin)
	s.units = b.effort.fileBytes
	return s, nil
}
