package radio

import (
	"maps"

	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/air"
)

// total adds up what was on the air over two links.
func total(a, b air.Use) air.Use {
	sum := air.Use{Slots: a.Slots + b.Slots, Bytes: a.Bytes + b.Bytes, Packets: maps.Clone(b.Packets)}
	if sum.Packets == nil {
		return a
	}
	for kind, n := range a.Packets {
		sum.Packets[kind] += n
	}
	return sum
}
