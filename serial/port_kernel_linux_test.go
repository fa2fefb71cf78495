package serial

import (
	"runtime"
	"testing"
	"unsafe"

	"github.com/go-rfcomm/rfcomm"
)

func TestDeviceRequestNumbers(t *testing.T) {
	// On these architectures, the bits of _IOR and _IOW have other places.
	write, read := uint32(0x400452C8), uint32(0x800452D2)
	switch runtime.GOARCH {
	case "mips", "mipsle", "mips64", "mips64le", "ppc64", "ppc64le", "sparc64":
		write, read = 0x800452C8, 0x400452D2
	}
	for name, tt := range map[string]struct{ got, want uint32 }{
		"RFCOMMCREATEDEV":  {rfcommCreateDev, write},
		"RFCOMMRELEASEDEV": {rfcommReleaseDev, write + 1},
		"RFCOMMGETDEVLIST": {rfcommGetDevList, read},
		"RFCOMMGETDEVINFO": {rfcommGetDevInfo, read + 1},
	} {
		if tt.got != tt.want {
			t.Errorf("%s is %#x, want %#x", name, tt.got, tt.want)
		}
	}
}

func TestDeviceRequestLayout(t *testing.T) {
	var request deviceRequest
	var info deviceInfo
	var list deviceList
	for name, tt := range map[string]struct{ got, want uintptr }{
		"request.flags":   {unsafe.Offsetof(request.flags), 4},
		"request.src":     {unsafe.Offsetof(request.src), 8},
		"request.dst":     {unsafe.Offsetof(request.dst), 14},
		"request.channel": {unsafe.Offsetof(request.channel), 20},
		"request":         {unsafe.Sizeof(request), 24},
		"info.flags":      {unsafe.Offsetof(info.flags), 4},
		"info.state":      {unsafe.Offsetof(info.state), 8},
		"info.src":        {unsafe.Offsetof(info.src), 10},
		"info.dst":        {unsafe.Offsetof(info.dst), 16},
		"info.channel":    {unsafe.Offsetof(info.channel), 22},
		"info":            {unsafe.Sizeof(info), 24},
		"list.devices":    {unsafe.Offsetof(list.devices), 4},
	} {
		if tt.got != tt.want {
			t.Errorf("%s is %d, want %d", name, tt.got, tt.want)
		}
	}
	if unsafe.Sizeof(list) > 4*4096 {
		t.Errorf("the list has %d bytes; the kernel takes four pages", unsafe.Sizeof(list))
	}
}

// The kernel's list is read without trust in its number.
func FuzzDeviceList(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{1, 0, 0, 0, 7, 0, 0, 0, 11, 0, 0, 0, 1, 0, 1, 2, 3, 4, 5, 6, 6, 5, 4, 3, 2, 1, 9})
	f.Add([]byte{0xff, 0xff})
	f.Fuzz(func(t *testing.T, data []byte) {
		var list deviceList
		copy(unsafe.Slice((*byte)(unsafe.Pointer(&list)), unsafe.Sizeof(list)), data)
		all := list.all()
		if len(all) > maxDevices {
			t.Errorf("%d devices", len(all))
		}
		for _, d := range all {
			info := d.public()
			if info.Name == "" || info.State.String() == "" || info.Local.Channel != info.Remote.Channel {
				t.Errorf("the device is %+v", info)
			}
		}
	})
}

func TestDevicePublic(t *testing.T) {
	d := deviceInfo{id: 7, flags: 11, state: 1, src: [6]byte{1, 2, 3, 4, 5, 6}, dst: [6]byte{6, 5, 4, 3, 2, 1}, channel: 9}
	want := DeviceInfo{
		ID: 7, Name: "/dev/rfcomm7",
		Local:  rfcomm.Addr{Device: rfcomm.BDAddr{6, 5, 4, 3, 2, 1}, Channel: 9},
		Remote: rfcomm.Addr{Device: rfcomm.BDAddr{1, 2, 3, 4, 5, 6}, Channel: 9},
		State:  DeviceConnected, Open: true,
	}
	if got := d.public(); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	d.flags, d.state = 0, 2
	want.Bound, want.Open, want.State = true, false, DeviceClean
	if got := d.public(); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
