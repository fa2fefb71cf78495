package rfcomm

import (
	"context"
	"errors"
	"math/rand/v2"
	"syscall"
	"time"

	"github.com/go-rfcomm/rfcomm/internal/neterr"
	"github.com/go-rfcomm/rfcomm/internal/redial"
)

// A channel may be in use only for a moment: two listeners that try a channel
// at the same time detect each other or each other's probes. Each channel is
// therefore tried claimAttempts times, with random pauses of up to claimPause.
const (
	claimAttempts = 10
	claimPause    = 5 * time.Millisecond
)

// claimChannel calls claim with the given channel or, if it is 0, with 1 to 30
// in turn until one is free. claim returns an error that matches EADDRINUSE if
// the channel is in use.
func claimChannel(ctx context.Context, channel int, claim func(channel int) error) error {
	for attempt := 1; ; attempt++ {
		err := claimOnce(channel, claim)
		if !inUse(err) || attempt == claimAttempts {
			return err
		}
		if !redial.Sleep(ctx, rand.N(claimPause)) {
			return neterr.Context(ctx.Err())
		}
	}
}

// claimOnce is claimChannel without retries.
func claimOnce(channel int, claim func(channel int) error) error {
	if channel != 0 {
		return claim(channel)
	}
	for channel := 1; channel <= maxChannel; channel++ {
		if err := claim(channel); !inUse(err) {
			return err
		}
	}
	return noFreeChannel()
}

// noFreeChannel returns the error of a listener on channel 0 if all channels
// are in use.
func noFreeChannel() error {
	return neterr.WithHint(callBind, syscall.EADDRINUSE,
		"no channel is free, all 30 have listeners: close one, or listen on the address of another adapter")
}

// inUse reports whether a claim has failed because the channel is in use. An
// error of the caller's Control function does not count, whatever its errno.
func inUse(err error) bool {
	_, control := err.(*neterr.ControlError)
	return !control && errors.Is(err, syscall.EADDRINUSE)
}

// A rival is an address with which a new listener must not share a channel.
type rival struct {
	device BDAddr // zero means every adapter
	name   string
	advice string // for the new listener
}

const (
	everyAdapter = "every adapter"
	otherChannel = "choose another channel"
	otherAddress = "it would receive the connections to that adapter; " + otherChannel +
		", or listen on the address of another adapter"
)

// rivals returns the other addresses whose listeners would share connections
// with a listener on device. Device is the address of an adapter, or zero for
// every adapter.
func rivals(device BDAddr) ([]rival, error) {
	if !device.IsZero() {
		return []rival{{name: everyAdapter, advice: otherChannel}}, nil
	}
	all, err := adapters()
	if err != nil {
		return nil, err
	}
	others := make([]rival, 0, len(all))
	for _, a := range all {
		if !a.Addr.IsZero() {
			others = append(others, rival{a.Addr, a.Name + " (" + a.Addr.String() + ")", otherAddress})
		}
	}
	return others, nil
}

// itself returns a listener's own address as a rival: another listener cannot
// share that either.
func itself(device BDAddr) rival {
	if device.IsZero() {
		return rival{name: everyAdapter, advice: otherChannel}
	}
	return rival{device, "the adapter", otherChannel}
}

// inUse returns the error of a new listener if another listener has its channel
// on the rival address.
func (r rival) inUse() error {
	return neterr.WithHint(callBind, syscall.EADDRINUSE, "another listener has this channel of "+r.name+": "+r.advice)
}
