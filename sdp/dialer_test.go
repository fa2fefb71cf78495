package sdp

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
	"github.com/go-rfcomm/rfcomm/internal/test/sdppeer"
)

var testDevice = rfcomm.BDAddr{0x02, 0, 0, 0, 0, 9}

// serialPort returns the record of a serial port as simple adapters have it:
// without a browse group and a language list, and with the name in Latin-1 and a
// trailing NUL.
func serialPort(t testing.TB, channel int) []byte {
	r := NewSerialPort("Ger\xe4t\x00", channel)
	r.Delete(AttributeBrowseGroupList)
	r.Delete(AttributeLanguageBaseAttributeIDList)
	return marshal(t, r)
}

// A fakeDialer runs Dialer.dial with a peer, and records the channels that it
// dials.
type fakeDialer struct {
	Dialer
	peer       sdppeer.Peer
	mtu        int   // of both directions; the default is 672
	connectErr error // of the SDP channel
	dialErr    error // of the RFCOMM connection

	dialed   []int
	openThen []bool // whether the SDP channel was open while RFCOMM was dialed
}

func (f *fakeDialer) finder() *finder {
	if f.mtu == 0 {
		f.mtu = 672
	}
	return &finder{connect: func(context.Context) (*Client, error) {
		if f.connectErr != nil {
			return nil, f.connectErr
		}
		near, far := hosttest.PacketPipe(f.mtu, f.mtu)
		go f.peer.ServeConn(far)
		return NewClient(near), nil
	}}
}

func (f *fakeDialer) dial(ctx context.Context, service UUID) error {
	finder := f.finder()
	defer finder.close()
	_, err := f.Dialer.dial(ctx, finder, testDevice, service, func(channel int) (*rfcomm.Conn, error) {
		f.dialed = append(f.dialed, channel)
		f.openThen = append(f.openThen, finder.client != nil && !finder.client.isClosed())
		if f.dialErr != nil {
			return nil, f.dialErr
		}
		return nil, nil
	})
	return err
}

// wantPatterns checks the patterns of the device's searches and the number of
// its channels.
func wantPatterns(t *testing.T, peer *sdppeer.Peer, channels int, want ...string) {
	t.Helper()
	if got, n := peer.Patterns(); !slices.Equal(got, want) || n != channels {
		t.Errorf("searches for %q on %d channels, want %q on %d", got, n, want, channels)
	}
}

// The devices of the table answer as adapters do that users have complained
// about.
func TestDialerTriesInOrder(t *testing.T) {
	const spp, l2cap = "1101", "0100"
	port := sdppeer.With(30, serialPort(t, 5))
	for name, tt := range map[string]struct {
		answer   sdppeer.Answer
		patterns []string
		channels int
		dialed   int
		takes    time.Duration
	}{
		"answers":                          {port, []string{spp}, 1, 5, 0},
		"answers 1101 only":                {sdppeer.Only(spp, port, sdppeer.Silent), []string{spp}, 1, 5, 0},
		"answers 0100 only, else nothing":  {sdppeer.Only(l2cap, port, sdppeer.FindsNothing), []string{spp, l2cap}, 1, 5, 0},
		"answers 0100 only, else an error": {sdppeer.Only(l2cap, port, sdppeer.Refuses), []string{spp, l2cap}, 1, 5, 0},
		"answers 0100 only, else silent":   {sdppeer.Only(l2cap, port, sdppeer.Silent), []string{spp, l2cap}, 2, 5, DefaultTimeout},
		"answers 0100 only, else hangs up": {sdppeer.Only(l2cap, port, sdppeer.HangsUp), []string{spp, l2cap}, 2, 5, 0},
		"finds nothing":                    {sdppeer.FindsNothing, []string{spp, l2cap}, 1, 0, 0},
		"silent":                           {sdppeer.Silent, []string{spp, l2cap}, 2, 0, 2 * DefaultTimeout},
		"repeats a continuation":           {sdppeer.RepeatsItself, []string{spp, l2cap}, 2, 0, 0},
		"answers another transaction":      {sdppeer.AnswersAnother(port), []string{spp, l2cap}, 2, 0, 0},
		"refuses":                          {sdppeer.Refuses, []string{spp, l2cap}, 1, 0, 0},
		"hangs up":                         {sdppeer.HangsUp, []string{spp, l2cap}, 2, 0, 0},
	} {
		for _, fallback := range []int{0, 1} {
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					f := fakeDialer{Dialer: Dialer{FallbackChannel: fallback}, peer: sdppeer.Peer{Answer: tt.answer}, mtu: minMTU}
					began := time.Now()
					err := f.dial(t.Context(), SerialPort)
					if took := time.Since(began); took != tt.takes {
						t.Errorf("took %v, want %v", took, tt.takes)
					}
					wantPatterns(t, &f.peer, tt.channels, tt.patterns...)
					want := tt.dialed
					if want == 0 {
						want = fallback
					}
					if want == 0 {
						if err == nil || len(f.dialed) > 0 {
							t.Errorf("dialed %v, %v; want an error alone", f.dialed, err)
						}
						t.Log(err)
						return
					}
					if err != nil || !slices.Equal(f.dialed, []int{want}) {
						t.Errorf("dialed %v, %v; want channel %d", f.dialed, err, want)
					}
				})
			})
		}
	}
}

// Some devices close the channel after each answer, before the next request or
// during it.
func TestDialerOpensAnotherChannel(t *testing.T) {
	answer := sdppeer.Only("0100", sdppeer.With(600, serialPort(t, 5)), sdppeer.FindsNothing)
	atOnce := sdppeer.ThenHangsUp(answer)
	requests := 0
	later := func(r sdppeer.Request) [][]byte {
		if requests++; requests == 2 {
			return sdppeer.HangsUp(r)
		}
		return answer(r)
	}
	for name, tt := range map[string]struct {
		answer   sdppeer.Answer
		patterns []string
	}{
		"before the request": {atOnce, []string{"1101", "0100"}},
		"during the request": {later, []string{"1101", "0100", "0100"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := fakeDialer{peer: sdppeer.Peer{Answer: tt.answer}}
				if err := f.dial(t.Context(), SerialPort); err != nil || !slices.Equal(f.dialed, []int{5}) {
					t.Errorf("dialed %v, %v; want channel 5", f.dialed, err)
				}
				wantPatterns(t, &f.peer, 2, tt.patterns...)
			})
		})
	}
}

func TestDialerNamesOddAnswers(t *testing.T) {
	port := sdppeer.With(100, serialPort(t, 5))
	for name, tt := range map[string]struct {
		answer  sdppeer.Answer
		want    error
		timeout bool
	}{
		"silent":      {sdppeer.Silent, os.ErrDeadlineExceeded, true},
		"repeats":     {sdppeer.RepeatsItself, ErrTooManyRounds, false},
		"transaction": {sdppeer.AnswersAnother(port), ErrUnexpectedResponse, false},
		"hangs up":    {sdppeer.HangsUp, io.ErrUnexpectedEOF, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := fakeDialer{peer: sdppeer.Peer{Answer: tt.answer}}
				err := f.dial(t.Context(), SerialPort)
				e, ok := err.(*net.OpError)
				if !ok || !errors.Is(err, tt.want) || e.Timeout() != tt.timeout {
					t.Errorf("got %v, want a *net.OpError that matches %v, with Timeout %v", err, tt.want, tt.timeout)
				}
			})
		})
	}
}

func TestDialerKeepsTheChannelOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := fakeDialer{peer: sdppeer.Peer{Answer: sdppeer.With(100, serialPort(t, 5))}}
		if err := f.dial(t.Context(), SerialPort); err != nil || !slices.Equal(f.openThen, []bool{true}) {
			t.Errorf("%v; the SDP channel was open during the dial: %v", err, f.openThen)
		}
	})
}

// Some devices answer every search with all records, and some records lack the
// service classes.
func TestDialerDistrustsOtherClasses(t *testing.T) {
	noClasses := NewSerialPort("", 6)
	noClasses.Delete(AttributeServiceClassIDList)
	noClasses.Delete(AttributeBluetoothProfileDescriptorList)
	for name, tt := range map[string]struct {
		records [][]byte
		dialed  []int
	}{
		"other class":           {[][]byte{serialPort(t, 5)}, nil},
		"no class":              {[][]byte{serialPort(t, 5), marshal(t, noClasses)}, []int{6}},
		"no class and the best": {[][]byte{marshal(t, noClasses), marshal(t, NewFileTransfer("", 7))}, []int{7}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := fakeDialer{peer: sdppeer.Peer{Answer: sdppeer.With(600, tt.records...)}}
				err := f.dial(t.Context(), FileTransfer)
				if _, missing := err.(*NotFoundError); !slices.Equal(f.dialed, tt.dialed) || missing != (tt.dialed == nil) {
					t.Errorf("dialed %v, %v; want %v", f.dialed, err, tt.dialed)
				}
			})
		})
	}
}

func TestDialerListsWhatIsOffered(t *testing.T) {
	push := marshal(t, NewObjectPush("Inbox \x1b[31m", 9))
	port := NewSerialPort("Port", 1)
	port.Set(AttributeProtocolDescriptorList, Sequence(Sequence(UUIDElement(ProtocolRFCOMM), Uint8(31)))) // no such channel
	synctest.Test(t, func(t *testing.T) {
		f := fakeDialer{peer: sdppeer.Peer{Answer: sdppeer.Only("0100", sdppeer.With(100, push, marshal(t, port)), sdppeer.FindsNothing)}}
		err := f.dial(t.Context(), FileTransfer)
		missing, ok := err.(*NotFoundError)
		if !ok || missing.Device != testDevice || missing.Service != FileTransfer || len(missing.Offered) != 2 {
			t.Fatalf("got %#v, want a NotFoundError with 2 records", err)
		}
		for _, part := range []string{"02:00:00:00:00:09 does not offer", "0x1106", "0x1105", `"Inbox \x1b[31m" on channel 9`, "0x1101", `"Port"`} {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%q lacks %q", err, part)
			}
		}
		if err := f.dial(t.Context(), SerialPort); !strings.Contains(err.Error(), "without an RFCOMM channel") {
			t.Errorf("got %q", err)
		}
	})
}

func TestNotFoundErrorListsAFew(t *testing.T) {
	offered := make([]*Record, maxListed+3)
	for i := range offered {
		offered[i] = NewService(UUID16(0x1234), strings.Repeat("x", 10_000), 1)
	}
	e := &NotFoundError{Service: UUID{1}, Offered: offered}
	if text := e.Error(); strings.Count(text, "0x1234") != maxListed || !strings.HasSuffix(text, ", and 3 more") || len(text) > 3000 {
		t.Errorf("got %q", text)
	}
	if text := (&NotFoundError{Service: SerialPort}).Error(); !strings.HasSuffix(text, "lists no services") {
		t.Errorf("got %q", text)
	}
}

func TestDialerSelects(t *testing.T) {
	noChannel := new(Record)
	noChannel.Set(AttributeServiceClassIDList, Sequence(UUIDElement(SerialPort)))
	answer := sdppeer.With(100, marshal(t, noChannel), serialPort(t, 3), marshal(t, NewObjectPush("", 9)), serialPort(t, 4))
	for name, tt := range map[string]struct {
		choose func([]*Record) *Record
		dialed []int
		want   string // part of the error
	}{
		"first":          {nil, []int{3}, ""},
		"last":           {func(r []*Record) *Record { return r[len(r)-1] }, []int{4}, ""},
		"none":           {func([]*Record) *Record { return nil }, nil, "Select chose none"},
		"without":        {func([]*Record) *Record { return noChannel }, nil, "without an RFCOMM channel"},
		"those offered":  {func(r []*Record) *Record { return map[bool]*Record{true: r[0]}[len(r) == 2] }, []int{3}, ""},
		"changes a list": {func(r []*Record) *Record { clear(r); return nil }, nil, "on channel 3"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := fakeDialer{Dialer: Dialer{Select: tt.choose, FallbackChannel: 1}, peer: sdppeer.Peer{Answer: answer}}
				err := f.dial(t.Context(), SerialPort)
				if !slices.Equal(f.dialed, tt.dialed) || (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
					t.Errorf("dialed %v, %v; want %v, %q", f.dialed, err, tt.dialed, tt.want)
				}
			})
		})
	}
}

func TestDialerFallsBackOnlyToDevices(t *testing.T) {
	connect := func(errno syscall.Errno) error {
		return &net.OpError{Op: "dial", Net: "l2cap", Err: os.NewSyscallError("connect", errno)}
	}
	for _, tt := range []struct {
		err    error
		dialed []int
	}{
		{connect(syscall.ECONNREFUSED), []int{1}},
		{connect(syscall.ETIMEDOUT), []int{1}},
		{&net.OpError{Op: "search", Err: os.NewSyscallError("write", syscall.ECONNRESET)}, []int{1}}, // the device hung up
		{&net.OpError{Op: "search", Err: os.NewSyscallError("write", syscall.ENOTCONN)}, []int{1}},
		{connect(syscall.ECONNRESET), []int{1}},
		{connect(syscall.EHOSTDOWN), nil},
		{connect(syscall.EHOSTUNREACH), nil},
		{errors.ErrUnsupported, nil},
		{&net.OpError{Op: "search", Err: os.NewSyscallError("read", syscall.ETIMEDOUT)}, nil}, // the link was lost
	} {
		f := fakeDialer{Dialer: Dialer{FallbackChannel: 1}, connectErr: tt.err}
		err := f.dial(t.Context(), SerialPort)
		if !slices.Equal(f.dialed, tt.dialed) || (err == nil) != (tt.dialed != nil) {
			t.Errorf("%v: dialed %v, %v; want %v", tt.err, f.dialed, err, tt.dialed)
		}
	}
}

func TestDialerExplainsAFailedFallback(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refused := &net.OpError{Op: "dial", Net: "rfcomm", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
		f := fakeDialer{Dialer: Dialer{FallbackChannel: 7}, peer: sdppeer.Peer{Answer: sdppeer.FindsNothing}, dialErr: refused}
		err := f.dial(t.Context(), SerialPort)
		_, missing := errors.AsType[*NotFoundError](err)
		if e, ok := err.(*net.OpError); !ok || !errors.Is(err, syscall.ECONNREFUSED) || !missing || e.Timeout() {
			t.Errorf("got %v, want a *net.OpError that matches ECONNREFUSED and the NotFoundError", err)
		}
		if refused.Err.Error() == err.(*net.OpError).Err.Error() {
			t.Error("the error of the dial was changed")
		}
	})
}

// A search for three UUIDs of 128 bits exceeds the smallest MTU. The second
// search does not.
func TestDialerAvoidsLongRequests(t *testing.T) {
	services := []UUID{{0: 1}, {0: 2}, {0: 3}}
	record := NewSerialPort("", 5)
	record.Set(AttributeServiceClassIDList, Sequence(UUIDElement(services[0]), UUIDElement(services[1]), UUIDElement(services[2])))
	synctest.Test(t, func(t *testing.T) {
		f := fakeDialer{peer: sdppeer.Peer{Answer: sdppeer.With(30, serialPort(t, 6), marshal(t, record))}, mtu: minMTU}
		finder := f.finder()
		defer finder.close()
		found, _, err := finder.find(t.Context(), services, hasChannel)
		if err != nil || len(found) != 1 || !found[0].element().Equal(record.element()) {
			t.Errorf("found %v, %v", found, err)
		}
		wantPatterns(t, &f.peer, 1, "0100")
	})
}

// The request of a search ends with the context, and no attempt follows.
func TestDialerEndsWithItsContext(t *testing.T) {
	for name, answer := range map[string]sdppeer.Answer{"first": sdppeer.Silent, "second": sdppeer.Only("1101", sdppeer.FindsNothing, sdppeer.Silent)} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				f := fakeDialer{Dialer: Dialer{FallbackChannel: 1}, peer: sdppeer.Peer{Answer: answer}}
				began := time.Now()
				err := f.dial(ctx, SerialPort)
				if !errors.Is(err, context.DeadlineExceeded) || len(f.dialed) > 0 || time.Since(began) != time.Second {
					t.Errorf("dialed %v, %v after %v; want the deadline after 1 s", f.dialed, err, time.Since(began))
				}
			})
		})
	}
}

func TestDialerRefusesBadValues(t *testing.T) {
	many := make([]UUID, maxPatternUUIDs+1)
	for i := range many {
		many[i] = SerialPort
	}
	for name, tt := range map[string]struct {
		dialer   Dialer
		device   rfcomm.BDAddr
		services []UUID
		want     string
	}{
		"no device":         {Dialer{}, rfcomm.BDAddr{}, []UUID{SerialPort}, "missing device address"},
		"no service":        {Dialer{}, testDevice, []UUID{{}}, "UUID of a service is zero"},
		"fallback 31":       {Dialer{FallbackChannel: 31}, testDevice, []UUID{SerialPort}, "FallbackChannel: 31"},
		"negative fallback": {Dialer{FallbackChannel: -1}, testDevice, []UUID{SerialPort}, "FallbackChannel: -1"},
		"local channel": {Dialer{RFCOMM: rfcomm.Dialer{LocalAddr: rfcomm.Addr{Channel: 3}}}, testDevice, []UUID{SerialPort},
			"local channel must be 0"},
		"security":  {Dialer{RFCOMM: rfcomm.Dialer{Security: 9}}, testDevice, []UUID{SerialPort}, "Security(9)"},
		"too many":  {Dialer{}, testDevice, many, "13 UUIDs"},
		"past time": {Dialer{RFCOMM: rfcomm.Dialer{Deadline: time.Unix(1, 0)}}, testDevice, []UUID{SerialPort}, "timeout"},
	} {
		t.Run(name, func(t *testing.T) {
			check := func(err error) {
				t.Helper()
				if _, ok := err.(*net.OpError); !ok || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("got %v, want a *net.OpError with %q", err, tt.want)
				}
			}
			if len(tt.services) == 1 {
				_, err := tt.dialer.Dial(t.Context(), tt.device, tt.services[0])
				check(err)
			}
			_, err := tt.dialer.Search(t.Context(), tt.device, tt.services...)
			check(err)
		})
	}
}
