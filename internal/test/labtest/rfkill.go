package labtest

import (
	"os"
	"testing"
)

// Values of struct rfkill_event (include/uapi/linux/rfkill.h).
const (
	rfkillBluetooth = 2 // RFKILL_TYPE_BLUETOOTH
	rfkillChangeAll = 3 // RFKILL_OP_CHANGE_ALL
)

// BlockRadio blocks all Bluetooth adapters, including later ones, as "rfkill
// block bluetooth" does. The end of the test calls UnblockRadio. It needs root.
func BlockRadio(t testing.TB) {
	t.Helper()
	t.Cleanup(func() { UnblockRadio(t) })
	rfkill(t, 1)
}

// UnblockRadio removes the block. The adapters remain down.
func UnblockRadio(t testing.TB) {
	t.Helper()
	rfkill(t, 0)
}

func rfkill(t testing.TB, block byte) {
	t.Helper()
	file, err := os.OpenFile("/dev/rfkill", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := file.Write([]byte{0, 0, 0, 0, rfkillBluetooth, rfkillChangeAll, block, 0}); err != nil {
		t.Fatal(err)
	}
}
