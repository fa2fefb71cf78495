package rfcomm

import (
	"github.com/go-rfcomm/rfcomm/internal/btsocket"
	"github.com/go-rfcomm/rfcomm/internal/hci"
)

// airOf returns how an adapter sends, or zero if there is no telling. It serves
// speed alone, so no error comes out of it.
func airOf(adapter BDAddr) btsocket.Air {
	all, err := hci.Adapters()
	if err != nil {
		return btsocket.Air{}
	}
	for _, a := range all {
		if a.Address == adapter {
			return btsocket.Air{ACLLength: a.ACLLength, Packets: a.Packets}
		}
	}
	return btsocket.Air{}
}
