package l2cap

import (
	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/controller"
	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/hcipacket"
)

// Settings holds the settings of a Host.
type Settings struct {
	Scan              uint8  // Scan_Enable: whether it answers pages and inquiries (Volume 4, Part E, section 7.3.18)
	SimplePairing     bool   // Secure Simple Pairing, if the controller supports it
	SecureConnections bool   // with SimplePairing, if the controller supports it
	PIN               string // of at most 16 bytes
}

var defaultSettings = Settings{Scan: 3, SimplePairing: true, PIN: "0000"}

// Set replaces the settings. If the PIN is empty, it is 0000.
func (h *Host) Set(s Settings) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if s.PIN == "" {
		s.PIN = defaultSettings.PIN
	}
	h.settings = s
	if h.powered {
		h.applySettings()
	}
}

// applySettings passes the settings to the controller.
func (h *Host) applySettings() {
	flag := func(on bool) hcipacket.Parameters {
		if on {
			return hcipacket.Parameters{1}
		}
		return hcipacket.Parameters{0}
	}
	h.simple = h.settings.SimplePairing
	h.start(controller.WriteSimplePairingMode, flag(h.settings.SimplePairing), func(hcipacket.Status) { h.simple = false })
	h.command(controller.WriteSecureConnectionsHost, flag(h.settings.SecureConnections))
	h.command(controller.WriteScanEnable, hcipacket.Parameters{h.settings.Scan})
}
