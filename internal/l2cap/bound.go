package l2cap

// Bound returns an error that matches EADDRINUSE if a socket of any program is
// bound to the PSM of laddr on exactly its Device: one adapter, or every adapter
// if it is zero. Other errors are those of [Listen]. They are *net.OpError.
//
// Bound binds a socket to laddr for a moment, during which other programs get
// EADDRINUSE. The socket receives no connections.
func Bound(laddr Addr) error {
	err := laddr.checkPSM()
	if err == nil {
		err = probe(laddr)
	}
	if err != nil {
		return network.OpError(opListen, nil, laddr, err)
	}
	return nil
}
