package filetransfer

import "net"

// A Request describes a request of a client to Server.Allow, and a stored file
// to Server.Received.
type Request struct {
	// Method is "get", "put", "list" or "stat".
	Method string

	// Name is the path of the file or directory. It is a valid path as defined
	// by fs.ValidPath, and "." for the directory that the server offers.
	Name string

	// Info is set for a put. Allow gets the Size, Mode and ModTime that the
	// client announces; a Size of -1 means unknown. Received gets those of the
	// stored file, with its SHA256.
	Info Info

	// Client is the remote address of the connection. It may be nil.
	Client net.Addr

	// Plain reports whether the request is in the plain dialect.
	Plain bool

	// Replace reports whether the client of a put wants to replace an existing
	// file.
	Replace bool

	// Replaced reports to Received whether the file replaced an existing one.
	Replaced bool
}
