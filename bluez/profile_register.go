package bluez

import (
	"context"
	"errors"
	"slices"
)

// register registers the profile, unless bluetoothd has it already, and checks
// that it has taken effect.
func (p *Profile) register(ctx context.Context) error {
	_, err := p.client.call(ctx, bluezPath, profileManager+".RegisterProfile",
		p.path, p.options.UUID.String(), p.options.values())
	var e *Error
	switch {
	case err == nil:
	case errors.As(err, &e) && e.Name == "org.bluez.Error.AlreadyExists":
		// This Client has registered the path (register_profile).
	default:
		return err
	}
	if p.options.Role == RoleClient {
		return nil
	}
	return p.checkListed(ctx)
}

// errNotListed is the cause if bluetoothd has no listener for a profile.
var errNotListed error = &narrower{
	"bluetoothd has registered the profile and does not publish it: does another program use the channel? See the log of bluetoothd",
	ErrNotPublished,
}

// checkListed checks that the adapters list the service. bluetoothd adds records
// to its adapters before it answers RegisterProfile (create_ext in
// src/profile.c), and adds none if its listener has failed (ext_start_servers).
// If no adapter lists the service, bluetoothd forgets the profile, so that the
// next attempt makes the listeners anew.
func (p *Profile) checkListed(ctx context.Context) error {
	tree, err := p.client.tree(ctx)
	if err != nil {
		return err
	}
	adapters := tree.adapters()
	missing := slices.DeleteFunc(slices.Clone(adapters), func(a entry) bool {
		return slices.Contains(a.adapter().Services, p.options.listed())
	})
	if len(missing) == 0 {
		return nil
	}
	if len(missing) == len(adapters) {
		p.unregister()
	}
	return &Error{Object: "on " + namesOf(missing), Err: errNotListed}
}

// abandon makes bluetoothd forget a profile whose registration has failed here.
// It may have succeeded in bluetoothd, on some adapters or after ctx has ended.
func (p *Profile) abandon(ctx context.Context) {
	if ctx.Err() != nil {
		p.client.background(p.unregister)
		return
	}
	p.unregister()
}

func (p *Profile) unregister() {
	ctx, cancel := context.WithTimeout(context.Background(), unregisterTime)
	defer cancel()
	// An error means that bluetoothd has forgotten the profile already.
	p.client.call(ctx, bluezPath, profileManager+".UnregisterProfile", p.path)
}

// changed receives the state from keep, and passes it on if it is news.
func (p *Profile) changed(err error) { p.state.set(p.failure(err)) }

// failure returns the error for the caller, with the UUID of the profile.
func (p *Profile) failure(err error) error {
	var e *Error
	if !errors.As(err, &e) {
		return err
	}
	named := *e
	named.Op = "register the profile " + p.options.UUID.String()
	return &named
}
