package mgmt

import (
	"testing"
	"time"
)

// wantDone checks that a call has returned without an error.
func wantDone(t *testing.T, what string, ended <-chan error) {
	t.Helper()
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
	case <-time.After(10 * time.Second):
		t.Fatalf("%s has not returned", what)
	}
}

// A pairing of one adapter can take long.
func TestSocketRunsCommandsOfAdaptersAtOnce(t *testing.T) {
	m, k := newTestSocket(t, nil)
	ended := [2]chan error{make(chan error, 1), make(chan error, 1)}
	for i := range ended {
		go func() { ended[i] <- m.do(setBondable, i, 1) }()
	}
	first := make([]int, 2)
	for i := range first {
		_, first[i], _ = k.receive() // before any answer
	}
	for _, index := range []int{first[1], first[0]} {
		k.answer(setBondable, index, 0)
		wantDone(t, "the command", ended[index])
	}
}

func TestSocketReleaseEndsAnswers(t *testing.T) {
	m, k := newTestSocket(t, map[int][6]byte{0: ours, 1: ours})
	for index := range 2 {
		m.answerFor(Adapter{Index: index, Address: ours})
	}
	m.Release(Adapter{Index: 0, Address: ours})
	m.Release(Adapter{Index: 1, Address: foreign}) // an earlier adapter of this index
	for index := range 2 {
		k.send(userConfirmNeeded, index, append(kernelOrder(foreign), addressTypeBREDR, 0, 0, 0, 0, 0)...)
	}
	if opcode, index, _ := k.receive(); opcode != userConfirm || index != 1 {
		t.Errorf("the first command is 0x%04x for hci%d, want a confirmation for hci1", opcode, index)
	}
}

func TestSocketUnpairWithoutKey(t *testing.T) {
	m, k := newTestSocket(t, nil)
	ended := make(chan error, 1)
	go func() { ended <- m.Unpair(Adapter{Index: 0, Address: ours}, foreign) }()
	for _, want := range []uint16{readInfo, setBondable, unpairDevice} {
		opcode, _, _ := k.receive()
		if opcode != want {
			t.Errorf("command 0x%04x, want 0x%04x", opcode, want)
		}
		status := byte(0)
		if opcode == unpairDevice {
			status = notPaired
		}
		k.answer(opcode, 0, status)
	}
	wantDone(t, "Unpair", ended)
}
