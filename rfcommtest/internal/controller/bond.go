package controller

import (
	"crypto/rand"

	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/hcipacket"
)

// A bond is a link key that the host has for another device. The host stores
// the key itself; the controller has seen it in a pairing or in an
// authentication.
type bond struct {
	spoiled *[16]byte // used instead of the host's key; nil if that is valid
}

// SpoilKey makes this controller authenticate with a wrong key instead of the
// one that its host has for a device, until the two make a new key. It reports
// whether the host is known to have a key.
func (c *Controller) SpoilKey(device hcipacket.Address) bool {
	known := c.bonds[device]
	if known == nil {
		return false
	}
	known.spoiled = new([16]byte)
	rand.Read(known.spoiled[:]) // never fails
	return true
}

// Unpaired records that the host has deleted its key for a device.
func (c *Controller) Unpaired(device hcipacket.Address) { delete(c.bonds, device) }

// ReplaceHost records that the controller has a new host, which has no keys.
func (c *Controller) ReplaceHost() { c.bonds = make(map[hcipacket.Address]*bond) }

// bonded records that the two hosts have a new key.
func (conn *connection) bonded() { conn.bonds[conn.peer()] = new(bond) }

// presented records that the host has a key for the peer, or none if key is
// nil, and returns the key to authenticate with.
func (conn *connection) presented(key *[16]byte) *[16]byte {
	known := conn.bonds[conn.peer()]
	switch {
	case key == nil:
		delete(conn.bonds, conn.peer())
	case known == nil:
		conn.bonded()
	case known.spoiled != nil:
		return known.spoiled
	}
	return key
}
