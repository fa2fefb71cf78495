package mux

import (
	"bytes"
	"testing"
)

// The frames are those that Linux sends at the beginning of a session.
func TestFrameMatchesLinux(t *testing.T) {
	for name, tt := range map[string]struct{ got, want []byte }{
		"SABM":        {Frame(0, SABM), []byte{0x03, 0x3f, 0x01, 0x1c}},
		"UA":          {Frame(0, UA), []byte{0x03, 0x73, 0x01, 0xd7}},
		"negotiation": {Negotiation(2, 1000), []byte{0x03, 0xef, 0x15, 0x83, 0x11, 0x02, 0xf0, 0x07, 0x00, 0xe8, 0x03, 0x00, 0x07, 0x70}},
	} {
		if !bytes.Equal(tt.got, tt.want) {
			t.Errorf("%s: % x, want % x", name, tt.got, tt.want)
		}
	}
}

func TestParseReadsFrame(t *testing.T) {
	for _, data := range [][]byte{{}, []byte("hello"), bytes.Repeat([]byte("x"), 200)} {
		for kind, credits := range map[byte][]byte{UIH: nil, UIHCredits: {7}} {
			frame := Frame(10, kind, append(bytes.Clone(credits), data...)...)
			got, ok := Parse(frame)
			if !ok || got.DLCI != 10 || got.Kind != kind || !bytes.Equal(got.Data, data) {
				t.Errorf("% x: %+v, %v", frame, got, ok)
			}
		}
	}
	if f, ok := Parse(Truncated(10, UIHCredits, 1)); ok {
		t.Errorf("a truncated frame: %+v", f)
	}
}

func TestAnswersAcceptsChannel(t *testing.T) {
	for name, tt := range map[string]struct {
		frame []byte
		want  [][]byte
	}{
		"SABM":       {Frame(10, SABM), [][]byte{Frame(10, UA)}},
		"disconnect": {Frame(10, Disconnect), [][]byte{Frame(10, UA)}},
		"PN": {
			Command(ParameterNegotiation, true, 10, 0xf0, 7, 0, 0xe8, 3, 0, 3),
			[][]byte{Command(ParameterNegotiation, false, 10, 0xe0, 7, 0, 0xe8, 3, 0, 7)},
		},
		"MSC":          {Command(ModemStatus, true, 43, 0x8d), [][]byte{Command(ModemStatus, false, 43, 0x8d), Command(ModemStatus, true, 43, 0x8d)}},
		"MSC response": {Command(ModemStatus, false, 43, 0x8d), nil},
		"data":         {Frame(10, UIH, 'x'), nil},
	} {
		f, _ := Parse(tt.frame)
		got := f.Answers()
		if len(got) != len(tt.want) || !bytes.Equal(bytes.Join(got, nil), bytes.Join(tt.want, nil)) {
			t.Errorf("%s: % x, want % x", name, got, tt.want)
		}
	}
}
