package controller_test

import (
	"testing"

	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/controller"
	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/hcipacket"
	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/radio"
)

// FuzzControllerInput lets two hosts send arbitrary packets in turn. The
// controllers must only send well-formed packets.
func FuzzControllerInput(f *testing.F) {
	add := func(packets ...[]byte) {
		var all []byte
		for _, p := range packets {
			all = append(append(all, byte(len(p))), p...)
		}
		f.Add(all)
	}
	command := func(opcode hcipacket.Opcode, p hcipacket.Parameters) []byte {
		return hcipacket.Command{Opcode: opcode, Parameters: p}.Append(nil)
	}
	scan := command(controller.WriteScanEnable, hcipacket.Parameters{3})
	add(scan, scan)
	add(scan, scan, command(controller.CreateConnection, connectTo(addressOfB)),
		command(controller.AcceptConnectionRequest, hcipacket.Parameters{}.Address(addressOfA).Uint8(1)),
		hcipacket.ACL{Handle: 1, Data: []byte("data")}.Append(nil), scan,
		command(controller.AuthenticationRequested, hcipacket.Parameters{}.Handle(1)))
	add(command(controller.Reset, nil), nil, []byte{0x02})
	f.Fuzz(func(t *testing.T, input []byte) {
		r := radio.New()
		r.Lock()
		defer r.Unlock()
		defer r.Close()
		var controllers [2]*controller.Controller
		for i, address := range []hcipacket.Address{addressOfA, addressOfB} {
			controllers[i] = controller.New(r, i, controller.Config{Address: address, ACLLength: 1021, ACLBuffers: 8, Output: func(packet []byte) {
				_, errEvent := hcipacket.ParseEvent(packet)
				_, errACL := hcipacket.ParseACL(packet)
				if errEvent != nil && errACL != nil {
					t.Errorf("the host gets % x: %v, %v", packet, errEvent, errACL)
				}
			}})
		}
		for turn := 0; len(input) > 0; turn++ {
			n := min(int(input[0]), len(input)-1)
			_ = controllers[turn%2].Input(input[1 : 1+n])
			input = input[1+n:]
		}
	})
}
