package rfcommtest_test

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
	"time"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
	"github.com/go-rfcomm/rfcomm/internal/test/mux"
	"github.com/go-rfcomm/rfcomm/internal/test/sdppeer"
	"github.com/go-rfcomm/rfcomm/rfcommtest"
	"github.com/go-rfcomm/rfcomm/sdp"
)

// serveSDP makes a device answer searches.
func serveSDP(t *testing.T, device *rfcommtest.Device, answer sdppeer.Answer) *sdppeer.Peer {
	t.Helper()
	l, err := device.ListenL2CAP(sdpPSM)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	peer := &sdppeer.Peer{Answer: answer}
	go peer.Serve(l)
	return peer
}

// serveRFCOMM makes a device send back the data that it receives on any RFCOMM
// channel.
func serveRFCOMM(t *testing.T, device *rfcommtest.Device) {
	t.Helper()
	l, err := device.ListenL2CAP(mux.PSM)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.AcceptL2CAP()
			if err != nil {
				return
			}
			go play(c)
		}
	}()
}

// adapterRecord returns the record of a simple serial adapter: without a browse
// group and a language list, with a name in Latin-1 that ends with NUL.
func adapterRecord(t *testing.T, channel int) []byte {
	t.Helper()
	r := sdp.NewSerialPort("Ger\xe4t\x00", channel)
	r.Delete(sdp.AttributeBrowseGroupList)
	r.Delete(sdp.AttributeLanguageBaseAttributeIDList)
	b, err := r.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// dialerFrom returns a dialer of a controller, with a limit that only a failure
// exceeds.
func dialerFrom(phone *rfcommtest.Controller) sdp.Dialer {
	return sdp.Dialer{RFCOMM: rfcomm.Dialer{LocalAddr: rfcomm.Addr{Device: phone.Addr()}, Timeout: time.Minute}}
}

// An oddDevice is a device that implements SDP poorly.
type oddDevice struct {
	name     string
	answer   sdppeer.Answer // nil if the device has no SDP server
	mtu      int            // of the channel for SDP
	patterns []string       // of the searches that it receives
	channel  int            // that a dial connects to; 0 if the dial fails
	want     error          // of the dial, if it fails
}

func oddDevices(t *testing.T) []oddDevice {
	const spp, l2cap = "1101", "0100"
	port := sdppeer.With(600, adapterRecord(t, 5))
	small := sdppeer.With(30, adapterRecord(t, 5))
	return []oddDevice{
		{"HC-05, answers 1101 alone", sdppeer.Only(spp, port, sdppeer.Silent), 672, []string{spp}, 5, nil},
		{"ELM327 clone, answers 0100 alone", sdppeer.Only(l2cap, port, sdppeer.FindsNothing), 672, []string{spp, l2cap}, 5, nil},
		{"ELM327 clone, refuses others", sdppeer.Only(l2cap, port, sdppeer.Refuses), 672, []string{spp, l2cap}, 5, nil},
		{"without SDP", nil, 0, nil, 0, syscall.ECONNREFUSED},
		{"MTU 48, Latin-1, no browse group", small, 48, []string{spp}, 5, nil},
		{"repeats a continuation", sdppeer.RepeatsItself, 672, []string{spp, l2cap}, 0, sdp.ErrTooManyRounds},
		{"answers another transaction", sdppeer.AnswersAnother(port), 672, []string{spp, l2cap}, 0, sdp.ErrUnexpectedResponse},
		{"hangs up after each answer", sdppeer.ThenHangsUp(sdppeer.Only(l2cap, port, sdppeer.FindsNothing)), 672, []string{spp, l2cap}, 5, nil},
		{"hangs up", sdppeer.HangsUp, 672, []string{spp, l2cap}, 0, io.ErrUnexpectedEOF},
	}
}

func TestDialerReachesOddDevices(t *testing.T) {
	r := rfcommtest.Require(t, rfcommtest.Config{Controllers: 1})
	phone := r.Controllers()[0]
	for _, tt := range oddDevices(t) {
		t.Run(tt.name, func(t *testing.T) {
			device := r.NewDevice(rfcommtest.ControllerConfig{Version: rfcommtest.Version20})
			// A device that is unplugged while the kernel closes the connection leaves
			// a packet in a buffer of the phone's controller, for the 20 s until the
			// link is lost. When all 8 buffers are in use, the kernel sends nothing,
			// and not even after the loss until another packet is queued (hci_conn_del).
			defer endLink(t, r.Link(phone, device.Controller), phone)
			peer := new(sdppeer.Peer)
			if tt.answer != nil {
				device.SetMTU(tt.mtu)
				peer = serveSDP(t, device, func(r sdppeer.Request) [][]byte {
					device.SetMTU(672) // for RFCOMM, whose channel follows
					return tt.answer(r)
				})
			}
			serveRFCOMM(t, device)
			dialer := dialerFrom(phone)
			dialOdd(t, &dialer, device, tt.channel, tt.want)
			if got, _ := peer.Patterns(); !slices.Equal(got, tt.patterns) {
				t.Errorf("the device was searched for %q, want %q", got, tt.patterns)
			}
			if tt.channel == 0 && tt.want != sdp.ErrTooManyRounds { // which takes long
				dialer.FallbackChannel = 1
				dialOdd(t, &dialer, device, 1, nil)
			}
		})
	}
}

// A device that closes the channel before the request is treated like one that
// closes it during the request.
func TestDialerFallsBackAfterAHangUp(t *testing.T) {
	_, phone, device := withDevice(t)
	l, err := device.ListenL2CAP(sdpPSM)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.Close()
		}
	}()
	serveRFCOMM(t, device)
	dialer := dialerFrom(phone)
	dialer.FallbackChannel = 1
	dialOdd(t, &dialer, device, 1, nil)
}

// dialOdd dials the serial port of a device and checks the result.
func dialOdd(t *testing.T, dialer *sdp.Dialer, device *rfcommtest.Device, channel int, want error) {
	t.Helper()
	began := time.Now()
	conn, err := dialer.Dial(t.Context(), device.Addr(), sdp.SerialPort)
	t.Logf("FallbackChannel %d: %v after %v", dialer.FallbackChannel, err, time.Since(began).Round(time.Millisecond))
	if !errors.Is(err, want) {
		t.Errorf("got %v, want %v", err, want)
	}
	if err != nil {
		if _, ok := err.(*net.OpError); !ok {
			t.Errorf("%T is not a *net.OpError", err)
		}
		return
	}
	defer conn.Close()
	if got := conn.RemoteAddr().(rfcomm.Addr).Channel; got != channel {
		t.Errorf("dialed channel %d, want %d", got, channel)
	}
	pass(t, conn, conn)
}

func TestDialerSearchListsADevice(t *testing.T) {
	_, phone, device := withDevice(t)
	peer := serveSDP(t, device, sdppeer.With(600, adapterRecord(t, 5)))
	dialer := dialerFrom(phone)
	records, err := dialer.Search(t.Context(), device.Addr())
	if err != nil || len(records) != 1 || records[0].Name() != "Gerät" {
		t.Errorf("Search = %v, %v; want the serial port with its name", records, err)
	}
	if records, err := dialer.Search(t.Context(), device.Addr(), sdp.ObjectPush); len(records) > 0 || err != nil {
		t.Errorf("Search = %v, %v; want no records", records, err)
	}
	_, err = dialer.Dial(t.Context(), device.Addr(), sdp.ObjectPush)
	missing, ok := err.(*sdp.NotFoundError)
	if !ok || len(missing.Offered) != 1 || !strings.Contains(err.Error(), "Serial Port (0x1101)") {
		t.Errorf("got %v, want a NotFoundError that lists the serial port", err)
	}
	want := []string{"0100", "1002", "1105", "0100", "1105", "0100"}
	if got, _ := peer.Patterns(); !slices.Equal(got, want) {
		t.Errorf("searched for %q, want %q", got, want)
	}
}

func TestSearchEndsWithItsContext(t *testing.T) {
	r, phone, device := withDevice(t)
	asked := make(chan struct{}, 10)
	serveSDP(t, device, func(sdppeer.Request) [][]byte { asked <- struct{}{}; return nil })
	dialer := dialerFrom(phone)
	link := r.Link(phone, device.Controller)

	t.Run("deadline during the search", func(t *testing.T) {
		dialer := dialer
		dialer.RFCOMM.Timeout = 500 * time.Millisecond
		_, err := dialer.Dial(t.Context(), device.Addr(), sdp.SerialPort)
		if !errors.Is(err, os.ErrDeadlineExceeded) || !err.(net.Error).Timeout() {
			t.Errorf("got %v, want a timeout", err)
		}
		<-asked
	})
	t.Run("cancelled during the search", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		go func() { <-asked; cancel() }()
		if _, err := dialer.Dial(ctx, device.Addr(), sdp.SerialPort); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want the cancellation", err)
		}
	})
	t.Run("cancelled over a link that stalls", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		go func() { <-asked; link.Stall(); cancel() }()
		defer link.Resume()
		if _, err := dialer.Dial(ctx, device.Addr(), sdp.SerialPort); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want the cancellation", err)
		}
	})
	t.Run("cancelled during the page", func(t *testing.T) {
		endLink(t, link, phone)
		link.SetPageDelay(3 * time.Second)
		defer link.SetPageDelay(0)
		ctx, cancel := context.WithCancel(t.Context())
		dialed := hosttest.InBackground(func() error { _, err := dialer.Dial(ctx, device.Addr(), sdp.SerialPort); return err })
		hosttest.AwaitPolling(t, "(*Socket).awaitConnected")
		cancel()
		if err := hosttest.Receive(t, dialed); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want the cancellation", err)
		}
	})
}

func TestDialerEndsDuringRFCOMM(t *testing.T) {
	_, phone, device := withDevice(t)
	serveSDP(t, device, sdppeer.With(600, adapterRecord(t, 5)))
	l, err := device.ListenL2CAP(mux.PSM)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithCancel(t.Context())
	go func() { // a multiplexer that does not answer
		if c, err := l.AcceptL2CAP(); err == nil {
			c.Read(make([]byte, 1000))
			cancel()
		}
	}()
	dialer := dialerFrom(phone)
	if _, err := dialer.Dial(ctx, device.Addr(), sdp.SerialPort); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the cancellation", err)
	}
}

func TestDialerNamesAnAdapterThatIsDown(t *testing.T) {
	_, phone, device := withDevice(t)
	if err := phone.Down(); err != nil {
		t.Fatal(err)
	}
	dialer := dialerFrom(phone)
	dialer.FallbackChannel = 1
	_, err := dialer.Dial(t.Context(), device.Addr(), sdp.SerialPort)
	if !errors.Is(err, syscall.EHOSTUNREACH) || !strings.Contains(err.Error(), "is down") {
		t.Errorf("got %v, want EHOSTUNREACH and the adapter that is down", err)
	}
	dialer.RFCOMM.LocalAddr.Device = device.Addr()
	if _, err := dialer.Dial(t.Context(), device.Addr(), sdp.SerialPort); err == nil || !strings.Contains(err.Error(), "no such Bluetooth adapter") {
		t.Errorf("from an unknown adapter: %v", err)
	}
}

// The device powers off instead of answering.
func TestDialerNoticesALostDevice(t *testing.T) {
	r, phone, device := withDevice(t)
	r.Link(phone, device.Controller).SetSupervisionTimeout(500 * time.Millisecond)
	serveSDP(t, device, func(sdppeer.Request) [][]byte { go device.Unplug(); return nil })
	dialer := dialerFrom(phone)
	dialer.FallbackChannel = 1
	began := time.Now()
	_, err := dialer.Dial(t.Context(), device.Addr(), sdp.SerialPort)
	t.Logf("%v after %v", err, time.Since(began).Round(time.Millisecond))
	if !errors.Is(err, syscall.ETIMEDOUT) || err.(net.Error).Timeout() {
		t.Errorf("got %v, want ETIMEDOUT for a lost link", err)
	}
}

func TestDialerNoticesALostAdapter(t *testing.T) {
	_, phone, device := withDevice(t)
	serveSDP(t, device, func(sdppeer.Request) [][]byte { go phone.Down(); return nil })
	dialer := dialerFrom(phone)
	dialer.FallbackChannel = 1
	_, err := dialer.Dial(t.Context(), device.Addr(), sdp.SerialPort)
	if !errors.Is(err, syscall.ECONNABORTED) || !strings.Contains(err.Error(), "adapter was switched off") {
		t.Errorf("got %v, want ECONNABORTED and its cause", err)
	}
}

func TestDialerNamesAnAbsentDevice(t *testing.T) {
	_, phone, device := withDevice(t)
	phone.SetPageTimeout(100 * time.Millisecond)
	device.Unplug()
	dialer := dialerFrom(phone)
	dialer.FallbackChannel = 1
	_, err := dialer.Dial(t.Context(), device.Addr(), sdp.SerialPort)
	if !errors.Is(err, syscall.EHOSTDOWN) || !strings.Contains(err.Error(), "out of range") {
		t.Errorf("got %v, want EHOSTDOWN and its cause", err)
	}
}
