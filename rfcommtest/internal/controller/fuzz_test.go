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
	for association := range fuzzedPairings {
		add(fuzzedPairing(association)...)
	}
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

// fuzzedPairings holds the IO capabilities of pairings with just works, numeric
// comparison and passkey entry, and none for a pairing with a PIN.
var fuzzedPairings = [][2]*[3]byte{
	{noInputNoOutput, noInputNoOutput}, {displayYesNo, displayYesNo}, {displayOnly, keyboardOnly},
	{keyboardOnly, displayOnly}, {keyboardOnly, keyboardOnly}, {},
}

// fuzzedPairing returns the packets of the hosts A and B, in turn, for one of
// fuzzedPairings.
func fuzzedPairing(association int) [][]byte {
	to := []hcipacket.Parameters{hcipacket.Parameters{}.Address(addressOfB), hcipacket.Parameters{}.Address(addressOfA)}
	var packets [][]byte
	both := func(opcode hcipacket.Opcode, p func(i int) hcipacket.Parameters) {
		for i := range to {
			packets = append(packets, hcipacket.Command{Opcode: opcode, Parameters: p(i)}.Append(nil))
		}
	}
	same := func(p ...byte) func(int) hcipacket.Parameters {
		return func(int) hcipacket.Parameters { return p }
	}
	answer := func(p ...byte) func(int) hcipacket.Parameters {
		return func(i int) hcipacket.Parameters { return append(to[i], p...) }
	}
	io := fuzzedPairings[association]
	both(controller.SetEventMask, same(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff))
	both(controller.WriteScanEnable, same(3))
	if io[0] != nil {
		both(controller.WriteSimplePairingMode, same(1))
		both(controller.WriteSecureConnectionsHost, same(1))
	}
	packets = append(packets, hcipacket.Command{Opcode: controller.CreateConnection, Parameters: connectTo(addressOfB)}.Append(nil),
		hcipacket.Command{Opcode: controller.AcceptConnectionRequest, Parameters: to[1].Uint8(1)}.Append(nil))
	both(controller.AuthenticationRequested, func(i int) hcipacket.Parameters {
		return hcipacket.Parameters{}.Handle(hcipacket.Handle(1 + i*0x100))
	})
	both(controller.LinkKeyRequestNegativeReply, answer())
	if io[0] == nil {
		for range 2 {
			both(controller.PINCodeRequestReply, answer(append([]byte{4}, make([]byte, 16)...)...))
		}
	} else {
		both(controller.IOCapabilityRequestReply, func(i int) hcipacket.Parameters { return append(to[i], io[i][:]...) })
	}
	both(controller.SendKeypressNotification, answer(1))
	both(controller.UserPasskeyRequestReply, answer(1, 0, 0, 0))
	both(controller.UserConfirmationRequestReply, answer())
	both(controller.UserPasskeyRequestNegativeReply, answer())
	both(controller.SetConnectionEncryption, func(i int) hcipacket.Parameters {
		return hcipacket.Parameters{}.Handle(hcipacket.Handle(1 + i*0x100)).Uint8(1)
	})
	both(controller.WriteAuthPayloadTimeout, same(1, 0, 1, 0))
	return packets
}
