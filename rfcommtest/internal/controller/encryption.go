package controller

import (
	"time"

	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/hcipacket"
)

// keySizeTime is how long the host may take, after HCI_Encryption_Change, to
// read the encryption key size. All hosts do that whose controllers support the
// command, but on a busy machine it can take longer than 100 ms.
const keySizeTime = 2 * time.Second

// encrypt turns encryption on or off, first at the peer and then at this end
// (LMP_encryption_mode_req). Linux rejects data on an encrypted connection
// until it has read the key size (l2cap_check_enc_key_size). With real
// controllers it reads the key size before the other end can send anything.
// Here this end waits until the peer's host has read the key size, at most
// keySizeTime.
func (conn *connection) encrypt(on bool) {
	conn.sendLMP(func(peer *connection) {
		peer.keySizeRead() // completes an earlier change
		mode := peer.encryptionMode(on)
		peer.encryptionChange(mode)
		peer.afterKeySize = func() {
			peer.sendLMP(func(conn *connection) { conn.encryptionChange(mode) })
		}
		if _, readable := peer.command(ReadEncryptionKeySize); !on || !readable {
			peer.keySizeRead()
			return
		}
		var timer *time.Timer
		timer = time.AfterFunc(keySizeTime, func() {
			peer.station.Locked(func() {
				if peer.keySizeTimer == timer { // not replaced by a later change
					peer.keySizeRead()
				}
			})
		})
		peer.keySizeTimer = timer
	})
}

// Values of Encryption_Enabled (section 7.7.8).
const (
	encryptionOff = 0x00
	e0Encryption  = 0x01
	aesEncryption = 0x02 // AES-CCM
)

// encryptionMode returns the Encryption_Enabled after a change. The ends use
// AES-CCM if both support Secure Connections (Volume 2, Part C, section 4.2.5).
func (conn *connection) encryptionMode(on bool) uint8 {
	switch {
	case !on:
		return encryptionOff
	case conn.secure():
		return aesEncryption
	}
	return e0Encryption
}

// secure reports whether both ends, with their hosts, support Secure
// Connections.
func (conn *connection) secure() bool {
	return conn.secureConnections() && conn.remote().secureConnections()
}

// secureConnections reports whether the controller and its host support Secure
// Connections, which are part of Secure Simple Pairing.
func (c *Controller) secureConnections() bool {
	return c.has(SecureConnections) && c.settings.simplePairing != 0 && c.settings.secureConnections != 0
}

// StopEncryption switches encryption of the connection to a device off, as if
// one of the hosts had done so, and reports whether it was on.
func (c *Controller) StopEncryption(device hcipacket.Address) bool {
	conn := c.connectionTo(device)
	if conn == nil || conn.encryption == encryptionOff {
		return false
	}
	conn.encrypt(false)
	return true
}

// encryptionChange sends HCI_Encryption_Change (section 7.7.8).
func (conn *connection) encryptionChange(mode uint8) {
	conn.encryption = mode
	conn.event(hcipacket.EncryptionChange, hcipacket.Parameters{}.Status(hcipacket.Success).Handle(conn.handle).Uint8(mode))
}

// keySizeRead lets the other end complete a pending change of encryption.
func (conn *connection) keySizeRead() {
	after := conn.afterKeySize
	if after == nil {
		return
	}
	conn.afterKeySize = nil
	if conn.keySizeTimer != nil {
		conn.keySizeTimer.Stop()
		conn.keySizeTimer = nil
	}
	if conn.connections[conn.handle] == conn {
		after()
	}
}
