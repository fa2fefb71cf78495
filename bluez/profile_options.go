package bluez

import (
	"errors"
	"fmt"
	"strings"

	"github.com/godbus/dbus/v5"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/sdp"
)

// A Role specifies which devices open the connections of a profile.
type Role int

const (
	RoleBoth   Role = iota // this machine and other devices
	RoleServer             // other devices
	RoleClient             // this machine
)

// ProfileOptions describe a profile. UUID is required.
type ProfileOptions struct {
	// UUID identifies the profile. bluetoothd has a channel and a record for
	// Serial Port (1101) and other profiles of the Bluetooth SIG.
	UUID sdp.UUID

	// Service is the service class of the profile. The default is that of the
	// UUID, which usually is the UUID itself.
	Service sdp.UUID

	// Name is the name of the service in its record. The default is that of
	// the UUID or, if it has none, one that bluetoothd makes up.
	Name string

	// Role is the side of this machine. With RoleClient, no other device can
	// find the service or connect to it. With RoleServer, Dial fails. The
	// default is RoleBoth; bluetoothd then also assumes that a device that
	// connects has the service itself.
	Role Role

	// Channel is the RFCOMM channel of the server, 1 to 30. The default is
	// that of BlueZ for the UUID, such as 3 for Serial Port. If it has none,
	// bluetoothd publishes a free channel, which the program does not learn.
	Channel int

	// Security is the protection that the link must have. SecurityLow permits
	// devices that are not paired. SecurityMedium requires encryption, and
	// Accept and Dial check it again. The default is bluetoothd's: it requires
	// encryption, except for Object Push (1105). bluetoothd offers no
	// SecurityHigh; use [Listen] or [Dialer] for that.
	Security rfcomm.Security

	// SkipAuthorization makes bluetoothd accept all connections. By default, it
	// asks the default agent about devices that are not trusted (see
	// [Agent.AuthorizeService]), and refuses them if there is no agent.
	SkipAuthorization bool

	// Version and Features are those of the profile in its record. The default
	// is bluetoothd's.
	Version, Features uint16

	// Backlog is the maximum number of connections that wait for Accept.
	// Others are refused. The default is 16.
	Backlog int

	// Report, if not nil, is called with an error when bluetoothd does not have
	// the profile any more, as when it ends, or when an adapter is added on
	// which the channel is in use, and with nil once all is well again. The
	// calls are in order and never concurrent. Report must not call Close of
	// the Profile or the Client.
	Report func(error)
}

// check reports options that bluetoothd would ignore or misunderstand.
func (o *ProfileOptions) check() error {
	switch {
	case o.UUID == sdp.UUID{}:
		return errors.New("no UUID")
	case o.Role < RoleBoth || o.Role > RoleClient:
		return fmt.Errorf("invalid Role %d: want RoleBoth, RoleServer or RoleClient", o.Role)
	case o.Channel < 0 || o.Channel > 30:
		return fmt.Errorf("invalid channel %d: want 1 to 30, or 0 for the default", o.Channel)
	case o.Channel != 0 && o.Role == RoleClient:
		return fmt.Errorf("channel %d with RoleClient, which has no server", o.Channel)
	case o.Security == rfcomm.SecurityHigh:
		return errors.New("bluetoothd has no SecurityHigh for profiles; want at most SecurityMedium, or bluez.Listen or bluez.Dial instead of a profile")
	case o.Security < rfcomm.SecurityDefault || o.Security > rfcomm.SecurityMedium:
		return fmt.Errorf("invalid Security %d: want SecurityDefault, SecurityLow or SecurityMedium", o.Security)
	case o.Backlog < 0:
		return fmt.Errorf("negative backlog %d; 0 means %d", o.Backlog, defaultBacklog)
	}
	return nil
}

// defaultBacklog is the default of the option Backlog.
const defaultBacklog = 16

func (o *ProfileOptions) backlog() int {
	if o.Backlog == 0 {
		return defaultBacklog
	}
	return o.Backlog
}

// values returns the options as bluetoothd takes them (parse_ext_opt in
// src/profile.c). It ignores an option of another type than it expects.
func (o *ProfileOptions) values() map[string]dbus.Variant {
	values := make(map[string]dbus.Variant)
	set := func(name string, value any) { values[name] = dbus.MakeVariant(value) }
	switch o.Role {
	case RoleServer:
		set("Role", "server")
	case RoleClient:
		set("Role", "client")
	}
	if o.Service != (sdp.UUID{}) {
		set("Service", o.Service.String())
	}
	if o.Name != "" {
		set("Name", escapeName.Replace(o.Name))
	}
	if o.Role != RoleClient && (o.Channel != 0 || !defaultOf(o.UUID).hasChannel) {
		set("Channel", uint16(o.Channel)) // 0: automatic
	}
	if o.Security != rfcomm.SecurityDefault {
		set("RequireAuthentication", o.Security == rfcomm.SecurityMedium)
	}
	if o.SkipAuthorization {
		set("RequireAuthorization", false)
	}
	if o.Version != 0 {
		set("Version", o.Version)
	}
	if o.Features != 0 {
		set("Features", o.Features)
	}
	return values
}

// escapeName makes a name fit into the XML of a record. bluetoothd inserts the
// name into a template (get_generic_record in src/profile.c), and publishes no
// record, without an error, if the result is not XML.
var escapeName = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&apos;")

// remote returns the UUID that the device's service has for ConnectProfile
// (ext_set_defaults and create_ext in src/profile.c).
func (o *ProfileOptions) remote() sdp.UUID {
	if known := defaultOf(o.UUID); known.remote != 0 {
		return sdp.UUID16(known.remote)
	}
	if o.Service != (sdp.UUID{}) {
		return o.Service
	}
	return o.UUID
}

// listed returns the UUID that an adapter lists for the server: the first class
// of the record that bluetoothd makes (get_generic_record and the other
// templates in src/profile.c).
func (o *ProfileOptions) listed() sdp.UUID {
	if defaultOf(o.UUID) == (profileDefault{}) && o.Service != (sdp.UUID{}) {
		return o.Service
	}
	return o.UUID
}

// protected reports whether the link of a connection has the protection that
// the options require.
func (o *ProfileOptions) protected(conn *rfcomm.Conn) bool {
	if o.Security < rfcomm.SecurityMedium {
		return true
	}
	security, err := conn.Security()
	return err == nil && security >= o.Security
}

// A profileDefault is what bluetoothd knows about a UUID.
type profileDefault struct {
	remote     uint16 // the UUID of the other side
	hasChannel bool
}

// profileDefaults are bluetoothd's profiles (defaults in src/profile.c).
var profileDefaults = map[uint16]profileDefault{
	0x1101: {0x1101, true},  // Serial Port
	0x1103: {0x1103, true},  // Dial-Up Networking
	0x1104: {0x1104, true},  // Synchronization
	0x1105: {0x1105, true},  // Object Push
	0x1106: {0x1106, true},  // File Transfer
	0x1108: {0x1112, true},  // Headset
	0x1112: {0x1108, true},  // Headset, the telephone
	0x111E: {0x111F, true},  // Hands-Free
	0x111F: {0x111E, true},  // Hands-Free, the telephone
	0x112E: {0x112F, false}, // Phone Book Access, client
	0x112F: {0x112F, true},  // Phone Book Access
	0x1132: {0x1132, true},  // Message Access
	0x1133: {0x1133, true},  // Message Notification
}

// defaultOf returns the entry of a UUID, or the zero value.
func defaultOf(uuid sdp.UUID) profileDefault {
	short, ok := uuid.Short()
	if !ok || short > 0xFFFF {
		return profileDefault{}
	}
	return profileDefaults[uint16(short)]
}
