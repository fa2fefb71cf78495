package inquiry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/hci"
	"github.com/go-rfcomm/rfcomm/internal/neterr"
)

// open returns the adapter to inquire with and a socket for its packets.
func (o *Options) open(ctx context.Context) (*rfcomm.Adapter, io.ReadWriteCloser, error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	adapter, err := chooseAdapter(o.Adapter)
	if err != nil {
		return nil, nil, err
	}
	conn, err := openSocket(adapter.Index)
	return adapter, conn, err
}

// chooseAdapter returns the adapter with the given address or, if it is zero,
// the first adapter that is up.
func chooseAdapter(address rfcomm.BDAddr) (*rfcomm.Adapter, error) {
	if address.IsZero() {
		return firstUp()
	}
	adapter, err := rfcomm.AdapterByAddr(address)
	if err != nil {
		return nil, cause(err)
	}
	if !adapter.Up {
		return nil, downError(adapter)
	}
	return adapter, nil
}

func firstUp() (*rfcomm.Adapter, error) {
	all, err := rfcomm.Adapters()
	if err != nil {
		return nil, cause(err)
	}
	for i := range all {
		if all[i].Up {
			return &all[i], nil
		}
	}
	if len(all) > 0 {
		return nil, downError(&all[0])
	}
	return nil, neterr.WithHint("inquiry", syscall.ENODEV,
		"this machine has no Bluetooth adapter: plug one in, or see with rfkill whether it is blocked")
}

// cause returns the cause in a *net.OpError of package rfcomm, with its hint.
func cause(err error) error {
	var opErr *net.OpError
	if errors.As(err, &opErr) {
		return opErr.Err
	}
	return err
}

// downError returns the error of an adapter that is down.
func downError(a *rfcomm.Adapter) error {
	remedy := powerOn
	switch {
	case blocked(a.Name, "hard"):
		remedy = "it is blocked by a switch or key of this machine"
	case blocked(a.Name, "soft"):
		remedy = `it is blocked: unblock it with "rfkill unblock bluetooth", and then ` + powerOn
	}
	return neterr.WithHint("inquiry", syscall.ENETDOWN, fmt.Sprintf("the adapter %s is down: %s", a.Name, remedy))
}

// blocked reports whether rfkill blocks an adapter in one of the two ways, hard
// or soft (Documentation/ABI/stable/sysfs-class-rfkill).
func blocked(name, way string) bool {
	states, _ := filepath.Glob(filepath.Join("/sys/class/bluetooth", name, "rfkill*", way))
	return slices.ContainsFunc(states, func(path string) bool {
		state, err := os.ReadFile(path)
		return err == nil && strings.TrimSpace(string(state)) == "1"
	})
}

// checkAdapter returns an error if the adapter has been switched off or removed
// since it was chosen.
func checkAdapter(a *rfcomm.Adapter) error {
	now, err := hci.AdapterByIndex(a.Index)
	switch {
	case errors.Is(err, syscall.ENODEV), err == nil && now.Address != a.Addr:
		return neterr.WithHint("inquiry", syscall.ENODEV, adapterRemoved)
	case err != nil:
		return nil // for example because no descriptor is free
	case now.Flags&hci.Up == 0:
		return downError(a)
	}
	return nil
}
