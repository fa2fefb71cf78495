package bluez

import (
	"context"

	"github.com/godbus/dbus/v5"
)

// A Client is a private connection to the system bus, over which a program uses
// bluetoothd.
type Client struct {
	conn *dbus.Conn
}

// Connect connects to the system bus.
func Connect(ctx context.Context) (*Client, error) {
	conn, err := dbus.ConnectSystemBus(dbus.WithContext(ctx), dbus.WithSignalHandler(dbus.NewSequentialSignalHandler()))
	if err != nil {
		return nil, err
	}
	return &Client{conn}, nil
}

// Close closes the connection.
func (c *Client) Close() error { return c.conn.Close() }
