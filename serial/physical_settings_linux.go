package serial

import (
	"fmt"

	"golang.org/x/sys/unix"
)

var (
	dataBits   = map[int]uint32{5: unix.CS5, 6: unix.CS6, 7: unix.CS7, 8: unix.CS8}
	stopBits   = map[int]uint32{1: 0, 2: unix.CSTOPB}
	parityBits = map[Parity]uint32{
		NoParity:    0,
		OddParity:   unix.PARENB | unix.PARODD,
		EvenParity:  unix.PARENB,
		MarkParity:  unix.PARENB | unix.PARODD | unix.CMSPAR,
		SpaceParity: unix.PARENB | unix.CMSPAR,
	}
)

// formatMask covers the bits of the format in c_cflag, which a driver changes if
// the hardware cannot have them.
const formatMask = unix.CSIZE | unix.CSTOPB | unix.PARENB | unix.PARODD | unix.CMSPAR

// configure applies the options to the port fd, whose current settings are given,
// and checks that the driver has accepted them.
func configure(fd int, settings *unix.Termios, o LineOptions) error {
	setMode(settings, o)
	want := settings.Cflag
	if err := unix.IoctlSetTermios(fd, setSettings, settings); err != nil {
		return err
	}
	got, err := unix.IoctlGetTermios(fd, getSettings)
	if err != nil {
		return err
	}
	switch {
	case !closeTo(int(got.Ospeed), o.Baud):
		return withReason(unix.EINVAL, fmt.Sprintf("the port cannot have a speed of %d bits per second; it offers %d", o.Baud, got.Ospeed))
	case got.Cflag&formatMask != want&formatMask:
		return withReason(unix.EINVAL, fmt.Sprintf("the port cannot have the format %s", o.format()))
	case got.Cflag&unix.CRTSCTS != want&unix.CRTSCTS:
		return withReason(unix.EINVAL, fmt.Sprintf("the port cannot have flow control %v", o.Flow))
	}
	return nil
}

// setMode sets raw mode and the options.
// CLOCAL keeps the port open when CD falls.
func setMode(t *unix.Termios, o LineOptions) {
	setRawMode(t)
	t.Cflag &^= formatMask | unix.CBAUD | unix.CIBAUD
	t.Cflag |= unix.CLOCAL | unix.BOTHER | dataBits[o.DataBits] | stopBits[o.StopBits] | parityBits[o.Parity]
	t.Ispeed, t.Ospeed = uint32(o.Baud), uint32(o.Baud)
	if o.Parity != NoParity {
		t.Iflag |= unix.INPCK
	}
	switch o.Flow {
	case FlowRTS:
		t.Cflag |= unix.CRTSCTS
	case FlowXON:
		t.Iflag |= unix.IXON | unix.IXOFF
		t.Cc[unix.VSTART], t.Cc[unix.VSTOP] = 0x11, 0x13
	}
}

// closeTo reports whether a speed differs from another by at most 3 %, with which
// the last bit of a byte is still read correctly.
func closeTo(got, want int) bool {
	return max(got-want, want-got) <= want/32
}
