package hci

import (
	"errors"
	"runtime"
	"slices"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm/internal/btsocket"
)

// The kernel copies the structures of include/net/bluetooth/hci_sock.h byte by
// byte.
func TestIoctlStructsMatchTheKernel(t *testing.T) {
	var (
		devices    deviceList
		info       deviceInfo
		links      connectionList
		device     = devices.devices[0]
		connection = links.connections[0]
	)
	for name, tt := range map[string]struct{ got, want uintptr }{
		"hci_dev_list_req.dev_num": {unsafe.Offsetof(devices.number), 0},
		"hci_dev_list_req.dev_req": {unsafe.Offsetof(devices.devices), 4},
		"hci_dev_req":              {unsafe.Sizeof(device), 8},
		"hci_dev_req.dev_id":       {unsafe.Offsetof(device.index), 0},
		"hci_dev_req.dev_opt":      {unsafe.Offsetof(device.flags), 4},

		"hci_dev_info":             {unsafe.Sizeof(info), 92},
		"hci_dev_info.dev_id":      {unsafe.Offsetof(info.index), 0},
		"hci_dev_info.name":        {unsafe.Offsetof(info.name), 2},
		"hci_dev_info.bdaddr":      {unsafe.Offsetof(info.address), 10},
		"hci_dev_info.flags":       {unsafe.Offsetof(info.flags), 16},
		"hci_dev_info.type":        {unsafe.Offsetof(info.kind), 20},
		"hci_dev_info.features":    {unsafe.Offsetof(info.features), 21},
		"hci_dev_info.pkt_type":    {unsafe.Offsetof(info.packetType), 32},
		"hci_dev_info.link_policy": {unsafe.Offsetof(info.linkPolicy), 36},
		"hci_dev_info.link_mode":   {unsafe.Offsetof(info.linkMode), 40},
		"hci_dev_info.acl_mtu":     {unsafe.Offsetof(info.aclMTU), 44},
		"hci_dev_info.acl_pkts":    {unsafe.Offsetof(info.aclPackets), 46},
		"hci_dev_info.sco_mtu":     {unsafe.Offsetof(info.scoMTU), 48},
		"hci_dev_info.sco_pkts":    {unsafe.Offsetof(info.scoPackets), 50},
		"hci_dev_info.stat":        {unsafe.Offsetof(info.statistics), 52},

		"hci_conn_list_req.dev_id":    {unsafe.Offsetof(links.index), 0},
		"hci_conn_list_req.conn_num":  {unsafe.Offsetof(links.number), 2},
		"hci_conn_list_req.conn_info": {unsafe.Offsetof(links.connections), 4},
		"hci_conn_info":               {unsafe.Sizeof(connection), 16},
		"hci_conn_info.handle":        {unsafe.Offsetof(connection.handle), 0},
		"hci_conn_info.bdaddr":        {unsafe.Offsetof(connection.address), 2},
		"hci_conn_info.type":          {unsafe.Offsetof(connection.kind), 8},
		"hci_conn_info.out":           {unsafe.Offsetof(connection.outgoing), 9},
		"hci_conn_info.state":         {unsafe.Offsetof(connection.state), 10},
		"hci_conn_info.link_mode":     {unsafe.Offsetof(connection.mode), 12},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: %d, want %d", name, tt.got, tt.want)
		}
	}
}

func TestIoctlListsFitInTwoPages(t *testing.T) {
	// The kernel refuses more with EINVAL (hci_get_dev_list,
	// hci_get_conn_list).
	const twoPages = 2 * 4096
	if size := unsafe.Sizeof(deviceList{}); size > twoPages {
		t.Errorf("the list of adapters has %d bytes", size)
	}
	if size := unsafe.Sizeof(connectionList{}); size > twoPages {
		t.Errorf("the list of links has %d bytes", size)
	}
}

func TestIoctlRequestsMatchTheKernel(t *testing.T) {
	// _IOR encodes them differently on the other architectures.
	if !slices.Contains([]string{"386", "amd64", "arm", "arm64", "loong64", "riscv64", "s390x"}, runtime.GOARCH) {
		t.Skip("the numbers are those of architectures other than", runtime.GOARCH)
	}
	for name, tt := range map[string]struct{ got, want uint32 }{
		"HCIGETDEVLIST":  {hciGetDevList, 0x800448d2},
		"HCIGETDEVINFO":  {hciGetDevInfo, 0x800448d3},
		"HCIGETCONNLIST": {hciGetConnList, 0x800448d4},
	} {
		if tt.got != tt.want {
			t.Errorf("%s is %#x, want %#x", name, tt.got, tt.want)
		}
	}
}

func TestReversed(t *testing.T) {
	given := [6]byte{1, 2, 3, 4, 5, 6}
	if got := reversed(given); got != [6]byte{6, 5, 4, 3, 2, 1} || given[0] != 1 {
		t.Errorf("%v became %v", given, got)
	}
}

func TestAdaptersWithoutBluetooth(t *testing.T) {
	fd, err := btsocket.NewSocket(unix.SOCK_RAW, unix.BTPROTO_HCI)
	if err == nil {
		unix.Close(fd)
		t.Skip("this kernel has Bluetooth")
	}
	for name, call := range map[string]func() error{
		"Adapters": func() error { _, err := Adapters(); return err },
		"Links":    func() error { _, err := Links(0); return err },
	} {
		if err := call(); !errors.Is(err, unix.EAFNOSUPPORT) {
			t.Errorf("%s returned the error %v, want EAFNOSUPPORT", name, err)
		}
	}
}
