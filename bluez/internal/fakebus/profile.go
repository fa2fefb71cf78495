package fakebus

import (
	"context"
	"slices"
	"strings"

	"github.com/godbus/dbus/v5"
)

// A Profile is a registration of ProfileManager1.RegisterProfile.
type Profile struct {
	z       *BlueZ
	Owner   string // unique name of the client
	Path    dbus.ObjectPath
	UUID    string // in the form xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx
	Options map[string]dbus.Variant
}

// Profiles returns the registered profiles in the order of their registration.
func (z *BlueZ) Profiles() []*Profile {
	z.bus.mu.Lock()
	defer z.bus.mu.Unlock()
	return slices.Clone(z.profiles)
}

// optionTypes are the types of options; bluetoothd ignores options with other types
// (parse_ext_opt in src/profile.c).
var optionTypes = map[string]string{
	"name": "s", "service": "s", "role": "s", "channel": "q", "psm": "q", "requireauthentication": "b",
	"requireauthorization": "b", "autoconnect": "b", "servicerecord": "s", "version": "q", "features": "q",
}

// Option returns an option as bluetoothd understands it: names without case, values
// of another type as if they were absent. It returns nil for an absent option.
func (p *Profile) Option(name string) any {
	for key, v := range p.Options {
		if strings.EqualFold(key, name) && optionTypes[strings.ToLower(name)] == v.Signature().String() {
			if channel, ok := v.Value().(uint16); ok && strings.EqualFold(name, "channel") && channel > 31 {
				return nil
			}
			return v.Value()
		}
	}
	return nil
}

// NewConnection passes a connection to the client and returns its answer. It takes
// over the descriptor and, other than Device.Connect, keeps no duplicate.
func (p *Profile) NewConnection(ctx context.Context, device dbus.ObjectPath, fd int, values map[string]dbus.Variant) error {
	if values == nil {
		values = make(map[string]dbus.Variant)
	}
	_, err := p.Call(ctx, "NewConnection", device, dbus.UnixFD(fd), values)
	return err
}

// RequestDisconnection asks the client to close its connection to a device.
func (p *Profile) RequestDisconnection(ctx context.Context, device dbus.ObjectPath) error {
	_, err := p.Call(ctx, "RequestDisconnection", device)
	return err
}

// Release calls the Release method of the client, after which the profile is no
// longer registered. bluetoothd does not wait for an answer (btd_profile_cleanup in src/profile.c).
func (p *Profile) Release() {
	p.z.bus.mu.Lock()
	defer p.z.bus.mu.Unlock()
	p.z.tell(p.Owner, p.Path, profileInterface, "Release")
}

// Call calls a method of the client's Profile1 object, with any arguments.
func (p *Profile) Call(ctx context.Context, method string, body ...any) ([]any, error) {
	return p.z.call(ctx, p.Owner, p.Path, profileInterface, method, body...)
}

func (z *BlueZ) profileManager(c *Call) {
	switch c.Member() + " " + c.signature() {
	case "RegisterProfile osa{sv}":
		z.registerProfile(c, c.Body[0].(dbus.ObjectPath), c.Body[1].(string), c.Body[2].(map[string]dbus.Variant))
	case "UnregisterProfile o":
		p := z.profile(c.Sender(), c.Body[0].(dbus.ObjectPath))
		if p == nil {
			c.fail("org.bluez.Error.DoesNotExist", "Does Not Exist")
			return
		}
		z.removeProfile(p)
		c.reply()
	default:
		c.unknown()
	}
}

// registerProfile is register_profile in src/profile.c. It succeeds whether a record
// was published or not.
func (z *BlueZ) registerProfile(c *Call, path dbus.ObjectPath, uuid string, options map[string]dbus.Variant) {
	p := &Profile{z: z, Owner: c.Sender(), Path: path, UUID: uuidOfName(uuid), Options: options}
	switch {
	case z.profile(c.Sender(), path) != nil:
		c.fail("org.bluez.Error.AlreadyExists", "Already Exists")
	case slices.ContainsFunc(z.profiles, func(q *Profile) bool { return q.local() == uuid }): // btd_profile_find_uuid
		c.fail("org.bluez.Error.NotPermitted", "UUID already registered")
	case p.UUID == "":
		c.fail("org.bluez.Error.InvalidArguments", "Invalid arguments in method call")
	default:
		z.profiles = append(z.profiles, p)
		z.recordsChanged()
		c.reply()
	}
}

// local returns the UUID that no other profile may have: the option Service, or else
// the UUID of the profile.
func (p *Profile) local() string {
	if s, ok := p.Option("Service").(string); ok {
		return uuidOfName(s)
	}
	return p.UUID
}

// clientProfile returns the profile that connects to a service on other devices, or
// nil.
func (z *BlueZ) clientProfile(uuid string) *Profile {
	for _, p := range z.profiles {
		if role, _ := p.Option("Role").(string); role != "server" && strings.EqualFold(p.local(), uuid) {
			return p
		}
	}
	return nil
}

func (z *BlueZ) profile(owner string, path dbus.ObjectPath) *Profile {
	i := slices.IndexFunc(z.profiles, func(p *Profile) bool { return p.Owner == owner && p.Path == path })
	if i < 0 {
		return nil
	}
	return z.profiles[i]
}

// removeProfile is remove_ext in src/profile.c: bluetoothd closes its duplicates of
// the profile's connections.
func (z *BlueZ) removeProfile(p *Profile) {
	z.profiles = slices.DeleteFunc(z.profiles, func(q *Profile) bool { return q == p })
	for _, o := range z.objects {
		if o.device != nil {
			o.device.dropLocked(func(c *connection) bool { return c.profile == p })
		}
	}
	z.recordsChanged()
}
