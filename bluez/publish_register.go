package bluez

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/sdp"
)

// A registeredRecord is a profile of bluetoothd that consists of a record: with a
// UUID for which bluetoothd has no defaults, and without a channel, it opens no
// socket (ext_start_servers in src/profile.c).
type registeredRecord struct {
	client *Client
	path   dbus.ObjectPath
	uuid   string
	xml    string
}

func newRegisteredRecord(client *Client, path dbus.ObjectPath, record *sdp.Record) *registeredRecord {
	return &registeredRecord{client: client, path: path, uuid: randomUUID().String(), xml: record.XML()}
}

// register registers the record, unless bluetoothd has it already.
func (r *registeredRecord) register(ctx context.Context) error {
	options := map[string]dbus.Variant{
		"Role":          dbus.MakeVariant("server"),
		"AutoConnect":   dbus.MakeVariant(false),
		"ServiceRecord": dbus.MakeVariant(r.xml),
	}
	_, err := r.client.call(ctx, bluezPath, profileManager+".RegisterProfile", r.path, r.uuid, options)
	var e *Error
	if errors.As(err, &e) && e.Name == "org.bluez.Error.AlreadyExists" {
		return nil // this Client has registered the path (register_profile)
	}
	return err
}

// unregister removes the record. bluetoothd also forgets it when it ends, and
// when the connection to the bus does.
func (r *registeredRecord) unregister(ctx context.Context) error {
	_, err := r.client.call(ctx, bluezPath, profileManager+".UnregisterProfile", r.path)
	return err
}

// registerTime limits a registration with its check.
const registerTime = 30 * time.Second

// register publishes the record, unless it is published already, and checks that
// it is on every adapter.
func (p *Publication) register(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, registerTime)
	defer cancel()
	if err := p.real.register(ctx); err != nil {
		return err
	}
	adapters, err := p.checkedAdapters(ctx)
	if err != nil {
		return err
	}
	missing := p.missing(adapters)
	if len(missing) > 0 && len(missing) == len(adapters) {
		// The next attempt then begins anew.
		p.real.unregister(ctx)
	}
	if err := publishedError(adapters, missing); err != nil {
		return err
	}
	if p.inspect == nil {
		return nil
	}
	var addresses []rfcomm.BDAddr
	for _, a := range adapters {
		addresses = append(addresses, a.address())
	}
	return p.inspect(addresses)
}

// checkedAdapters returns bluetoothd's adapters as they are while the record is
// published for a second time, with the marker. bluetoothd adds records to its
// adapters before it answers RegisterProfile (create_ext).
func (p *Publication) checkedAdapters(ctx context.Context) ([]entry, error) {
	if err := p.check.register(ctx); err != nil {
		return nil, err
	}
	tree, err := p.client.tree(ctx)
	return tree.adapters(), errors.Join(err, p.check.unregister(ctx))
}

// missing returns the adapters that do not list the record with the marker or, if
// the record is in the public browse root, the first class of the record.
func (p *Publication) missing(adapters []entry) (missing []entry) {
	for _, a := range adapters {
		listed := a.adapter().Services
		if !slices.Contains(listed, p.marker) || inBrowseRoot(p.record) && !slices.Contains(listed, p.record.Classes()[0]) {
			missing = append(missing, a)
		}
	}
	return missing
}

// publishedError returns the error if there is no adapter, or if the record is
// missing on some.
func publishedError(adapters, missing []entry) error {
	switch {
	case len(adapters) == 0:
		return &Error{Err: ErrNoAdapter}
	case len(missing) == 0:
		return nil
	}
	return &Error{Object: "on " + namesOf(missing), Err: ErrNotPublished}
}

// namesOf returns the names and addresses of adapters.
func namesOf(adapters []entry) string {
	var names []string
	for _, a := range adapters {
		names = append(names, fmt.Sprintf("%s (%v)", path.Base(string(a.path)), a.address()))
	}
	return strings.Join(names, ", ")
}
