package serial

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/user"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/go-rfcomm/rfcomm"
)

// errNoTTY is the error of a tty for a connection of another network.
var errNoTTY = errors.New("a tty needs an RFCOMM connection of this machine; a pty takes any connection")

// newNode makes the node of a connection, which it owns. The reason explains a
// pty of Kind Auto. If a tty was chosen but cannot be used, the connection is
// lost, and newNode connects again.
func (d *Device) newNode(ctx context.Context, conn net.Conn) (n node, reason string, err error) {
	kind := d.options.Kind
	if kind == Auto {
		if reason = d.againstTTY(conn); reason == "" {
			kind = TTY
		}
	}
	if kind == TTY {
		tty, err := d.newTTYNode(ctx, conn)
		if err == nil {
			return tty, "", nil
		}
		conn.Close()
		if d.options.Kind == TTY || !suitsPTY(err) {
			return nil, "", err
		}
		reason = err.Error()
		if conn, err = d.options.Connect(ctx); err != nil {
			return nil, "", err
		}
	}
	pty, err := d.newPTYNode()
	if err != nil {
		conn.Close()
		return nil, "", err
	}
	pty.attach(conn)
	pty.start()
	return pty, reason, nil
}

// againstTTY returns a reason not to make a tty, or "".
func (d *Device) againstTTY(conn net.Conn) string {
	c, ok := conn.(*rfcomm.Conn)
	switch {
	case !ok:
		return "not an RFCOMM connection of this machine"
	case d.options.Hold > 0:
		return "a tty cannot hold data while there is no connection"
	case received(c):
		return "the peer has already sent data, which a tty may echo"
	}
	return noAccess(os.Geteuid(), groups())
}

// serialGroups are the groups to which udev gives serial ports, on Debian and
// Fedora, and on Arch Linux.
var serialGroups = []string{"dialout", "uucp"}

// noAccess returns the reason why a user cannot open ttys, or "".
func noAccess(user int, groups []string) string {
	if user == 0 || slices.ContainsFunc(serialGroups, func(name string) bool { return slices.Contains(groups, name) }) {
		return ""
	}
	return fmt.Sprintf("this user is not in group %s, which can open ttys", strings.Join(serialGroups, " or "))
}

// groups returns the names of this process's groups.
func groups() (names []string) {
	ids, _ := os.Getgroups()
	for _, id := range append(ids, os.Getegid()) {
		if group, err := user.LookupGroupId(strconv.Itoa(id)); err == nil {
			names = append(names, group.Name)
		}
	}
	return names
}

// suitsPTY reports whether a failed tty is a reason for a pty: the node cannot
// be opened or does not appear, or the kernel makes no ttys. Otherwise the
// connection has failed.
func suitsPTY(err error) bool {
	return slices.ContainsFunc([]error{
		syscall.EACCES, syscall.EPERM, syscall.ENOENT, syscall.ENXIO, syscall.EOPNOTSUPP, syscall.ENFILE,
	}, func(errno error) bool { return errors.Is(err, errno) })
}
