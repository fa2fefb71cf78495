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
	UUID    string // as the client gave it
	Options map[string]dbus.Variant
}

// Profiles returns the registered profiles in the order of their registration.
func (z *BlueZ) Profiles() []*Profile {
	z.bus.mu.Lock()
	defer z.bus.mu.Unlock()
	return slices.Clone(z.profiles)
}

// Option returns an option, compared without case as bluetoothd does, or nil.
func (p *Profile) Option(name string) any {
	for key, v := range p.Options {
		if strings.EqualFold(key, name) {
			return v.Value()
		}
	}
	return nil
}

// NewConnection passes a connection to the client and returns its answer. The
// descriptor is closed; bluetoothd's own duplicate is the caller's business.
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

// Release tells the client that the profile is no longer registered.
func (p *Profile) Release(ctx context.Context) error {
	_, err := p.Call(ctx, "Release")
	return err
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
		z.unregisterProfile(c, c.Body[0].(dbus.ObjectPath))
	default:
		c.unknown()
	}
}

// registerProfile is register_profile in src/profile.c.
func (z *BlueZ) registerProfile(c *Call, path dbus.ObjectPath, uuid string, options map[string]dbus.Variant) {
	p := &Profile{z: z, Owner: c.Sender(), Path: path, UUID: uuid, Options: options}
	switch {
	case z.profile(c.Sender(), path) != nil:
		c.fail("org.bluez.Error.AlreadyExists", "Already Exists")
	case uuid == "":
		c.fail("org.bluez.Error.InvalidArguments", "Invalid arguments in method call")
	case slices.ContainsFunc(z.profiles, func(q *Profile) bool { return strings.EqualFold(q.local(), p.local()) }):
		c.fail("org.bluez.Error.NotPermitted", "UUID already registered")
	default:
		z.profiles = append(z.profiles, p)
		c.reply()
	}
}

// local returns the UUID that no other profile may have: the option Service, or else
// the UUID of the profile.
func (p *Profile) local() string {
	if s, ok := p.Option("Service").(string); ok {
		return s
	}
	return p.UUID
}

func (z *BlueZ) unregisterProfile(c *Call, path dbus.ObjectPath) {
	p := z.profile(c.Sender(), path)
	if p == nil {
		c.fail("org.bluez.Error.DoesNotExist", "Does Not Exist")
		return
	}
	z.removeProfile(p)
	c.reply()
}

func (z *BlueZ) profile(owner string, path dbus.ObjectPath) *Profile {
	i := slices.IndexFunc(z.profiles, func(p *Profile) bool { return p.Owner == owner && p.Path == path })
	if i < 0 {
		return nil
	}
	return z.profiles[i]
}

func (z *BlueZ) removeProfile(p *Profile) {
	z.profiles = slices.DeleteFunc(z.profiles, func(q *Profile) bool { return q == p })
}
