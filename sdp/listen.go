package sdp

import (
	"errors"
	"math/rand/v2"
	"net"
	"syscall"
	"time"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/l2cap"
	"github.com/go-rfcomm/rfcomm/internal/neterr"
)

// Listen returns a listener for [Server.Serve]: on the PSM of SDP, of the adapter
// with the given address or, if it is zero, of all adapters. It is for machines
// without bluetoothd, which has a server of its own.
//
// Listen needs the capability CAP_NET_BIND_SERVICE. The error otherwise matches
// EACCES.
//
// If another program has the PSM, the error matches EADDRINUSE; that program is
// usually bluetoothd, through which package bluez publishes records. The kernel
// lets a listener on one adapter and a listener on all adapters share the PSM,
// and gives all connections to the one that was bound first. The second would
// receive none, and the first would hide the records of the second. Listen
// therefore refuses to share: for one adapter, it looks for a listener on all
// adapters, and for all adapters, it looks for a listener on each of them. No
// option overrides this.
//
// Listen cannot prevent that another program binds the PSM later. After a Listen
// on all adapters, bluetoothd runs without a server. After a Listen on one
// adapter, bluetoothd has a server that devices cannot reach through this
// adapter. Nor does Listen notice a listener on the address of an adapter that
// is unplugged. To look for a listener, Listen binds a socket to its address for
// a moment, during which other programs get EADDRINUSE. Listen makes 10 attempts
// with pauses of up to 5 ms, so that programs that call it at the same time do
// not fail because of each other.
//
// Errors are *net.OpError. If the machine does not have the adapter, the error
// holds a *net.AddrError. On other platforms it matches errors.ErrUnsupported.
func Listen(adapter rfcomm.BDAddr) (net.Listener, error) {
	l, err := claim{
		find:     rfcomm.AdapterByAddr,
		adapters: rfcomm.Adapters,
		bound:    func(device rfcomm.BDAddr) error { return l2cap.Bound(sdpAddr(device)) },
		listen: func(device rfcomm.BDAddr) (net.Listener, error) {
			return l2cap.Listen(sdpAddr(device))
		},
		sleep: time.Sleep,
	}.listener(adapter)
	if err != nil {
		return nil, listenError(adapter, err)
	}
	return l, nil
}

// A listener may find the PSM in use only for a moment, because another program
// looks for listeners as well.
const (
	claimAttempts = 10
	claimPause    = 5 * time.Millisecond
)

// A claim listens on the PSM of SDP by its functions, unless another program has
// it.
type claim struct {
	find     func(rfcomm.BDAddr) (*rfcomm.Adapter, error)
	adapters func() ([]rfcomm.Adapter, error)
	bound    func(rfcomm.BDAddr) error // matches EADDRINUSE if a socket is bound
	listen   func(rfcomm.BDAddr) (net.Listener, error)
	sleep    func(time.Duration)
}

// A place is an address to listen on.
type place struct {
	device rfcomm.BDAddr // zero means all adapters
	name   string
}

const everyAdapter = "all adapters"

func placeOf(a *rfcomm.Adapter) place {
	return place{a.Addr, a.Name + " (" + a.Addr.String() + ")"}
}

func (c claim) listener(adapter rfcomm.BDAddr) (net.Listener, error) {
	own, rivals, err := c.places(adapter)
	if err != nil {
		return nil, err
	}
	for attempt := 1; ; attempt++ {
		l, err := c.listenOn(own, rivals)
		if !errors.Is(err, syscall.EADDRINUSE) || attempt == claimAttempts {
			return l, err
		}
		c.sleep(rand.N(claimPause))
	}
}

// places returns the place to listen on, and those whose listeners would share
// connections with it: for one adapter, all adapters, and for all adapters, each
// of them.
func (c claim) places(adapter rfcomm.BDAddr) (own place, rivals []place, err error) {
	every := place{name: everyAdapter}
	if !adapter.IsZero() {
		a, err := c.find(adapter)
		if err != nil {
			return place{}, nil, err
		}
		return placeOf(a), []place{every}, nil
	}
	all, err := c.adapters()
	if err != nil {
		return place{}, nil, err
	}
	for _, a := range all {
		if !a.Addr.IsZero() {
			rivals = append(rivals, placeOf(&a))
		}
	}
	return every, rivals, nil
}

// listenOn listens on a place if no program listens on a rival. It looks at the
// rivals before, so that it does not hide the records of another program for a
// moment, and again after: of two programs that do this, at least one finds the
// other.
func (c claim) listenOn(own place, rivals []place) (net.Listener, error) {
	if err := c.anyBound(rivals); err != nil {
		return nil, err
	}
	l, err := c.listen(own.device)
	if err != nil {
		return nil, own.explain(err)
	}
	if err := c.anyBound(rivals); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

func (c claim) anyBound(places []place) error {
	for _, p := range places {
		if err := c.bound(p.device); err != nil {
			return p.explain(err)
		}
	}
	return nil
}

const hintPrivilege = "PSM 1 needs the capability CAP_NET_BIND_SERVICE: run the program as root, " +
	"or give it the capability with: setcap cap_net_bind_service=+ep PROGRAM"

// explain returns the error of a bind to p with the hint that holds for SDP.
func (p place) explain(err error) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return neterr.WithHint("bind", syscall.EADDRINUSE, "another program has PSM 1 of "+p.name+
			": if it is bluetoothd, publish the records through it with package bluez; otherwise stop it")
	case errors.Is(err, syscall.EACCES):
		return neterr.WithHint("bind", syscall.EACCES, hintPrivilege)
	}
	return err
}

// sdpAddr returns the address of an SDP server.
func sdpAddr(device rfcomm.BDAddr) l2cap.Addr { return l2cap.Addr{Device: device, PSM: psm} }

// listenError returns err as the error of Listen.
func listenError(adapter rfcomm.BDAddr, err error) error {
	if op, ok := errors.AsType[*net.OpError](err); ok {
		err = op.Err
	}
	return &net.OpError{Op: "listen", Net: "l2cap", Addr: sdpAddr(adapter), Err: err}
}
