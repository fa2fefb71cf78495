package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/bluez"
	"github.com/go-rfcomm/rfcomm/sdp"
)

func TestConnectDialsTarget(t *testing.T) {
	spp := service{uuid: sdp.SerialPort}
	for line, want := range map[string]dialed{
		"00:AA:01:00:00:01/20":               {service: service{channel: 20}},
		"00-aa-01-00-00-01/spp":              {service: spp},
		"00:AA:01:00:00:01/1101":             {service: spp},
		"00:AA:01:00:00:01":                  {service: spp},
		"00:AA:01:00:00:01 --channel 7":      {service: service{channel: 7}},
		"Printer":                            {service: spp},
		"printer/9 -t 1m":                    {service: service{channel: 9}, dialer: rfcomm.Dialer{Timeout: time.Minute}},
		"Printer/opp --security high":        {service: service{uuid: sdp.ObjectPush}, dialer: rfcomm.Dialer{Security: rfcomm.SecurityHigh}},
		"Printer --adapter hci0":             {service: spp, dialer: rfcomm.Dialer{LocalAddr: rfcomm.Addr{Device: adapterAddr}}},
		"Printer -i 00-aa-01-00-00-00":       {service: spp, dialer: rfcomm.Dialer{LocalAddr: rfcomm.Addr{Device: adapterAddr}}},
		"Printer --exec true":                {service: spp, dialer: rfcomm.Dialer{Security: rfcomm.SecurityMedium}},
		"Printer --exec true --security=lOw": {service: spp, dialer: rfcomm.Dialer{Security: rfcomm.SecurityLow}},
	} {
		t.Run(line, func(t *testing.T) {
			f := newFake(t)
			f.inRange = found("Printer")
			f.stdin = strings.NewReader("hello")
			arguments := append([]string{"connect"}, strings.Fields(line)...)
			if !strings.Contains(line, "--exec") {
				arguments = append(arguments, "--wait", "0")
			}
			f.runs(t, 0, arguments...)
			if len(f.dialed) != 1 {
				t.Fatalf("dialed %v", f.dialed)
			}
			got := f.dialed[0]
			if want.dialer.Timeout == 0 {
				want.dialer.Timeout = 30 * time.Second
			}
			if got.device != printerAddr || got.service != want.service || got.dialer.Timeout != want.dialer.Timeout ||
				got.dialer.Security != want.dialer.Security || got.dialer.LocalAddr != want.dialer.LocalAddr {
				t.Errorf("dialed %+v, want %+v", got, want)
			}
		})
	}
}

// A person at a terminal has to know when the device can receive input.
func TestConnectTellsPeopleWhenConnected(t *testing.T) {
	for _, tt := range []struct {
		chatty bool
		flag   string
		noted  bool
	}{{true, "--wait=0", true}, {true, "-q", false}, {false, "--wait=0", false}, {false, "-v", true}} {
		f := newFake(t)
		f.chatty = tt.chatty
		_, stderr := f.runs(t, 0, "connect", "00:AA:01:00:00:01/1", "--wait=0", tt.flag)
		if noted := strings.Contains(stderr, "Connected to "); noted != tt.noted {
			t.Errorf("%+v: stderr %q", tt, stderr)
		}
	}
}

// The device sends back what it receives.
func TestConnectTranslatesLineEnds(t *testing.T) {
	f := newFake(t)
	f.stdin = strings.NewReader("ATZ\nATI\n")
	stdout, stderr := f.runs(t, 0, "connect", "00:AA:01:00:00:01/1", "--wait=1s", "--eol", "crlf", "-v")
	if stdout != "ATZ\nATI\n" {
		t.Errorf("it printed %q", stdout)
	}
	wantParts(t, stderr, "received 10\n")
}

func TestConnectRefusesWrongUsage(t *testing.T) {
	const device = "00:AA:01:00:00:01"
	for line, part := range map[string]string{
		"":                                  "TARGET is missing",
		device + " extra":                   `"extra"`,
		device + "/31":                      "no such channel 31",
		device + " --channel 31":            `"31" for "--channel" flag: use a channel from 1 to 30`,
		device + " --channel 0":             "channel from 1 to 30",
		device + " --channel x":             `"x" for "--channel" flag: use a channel from 1 to 30 (see`,
		device + "/5 --channel 5":           "omit it or --channel",
		device + " --security secret":       "low, medium or high",
		device + " --wait soon":             "8s or 1m30s",
		device + " --wait NaN":              "8s or 1m30s",
		device + " --wait 1e30":             "8s or 1m30s",
		device + " --timeout 0":             "more than 0",
		device + " --timeout -1s":           "more than 0",
		device + " -timeout 5s":             "--timeout",
		device + " --nonsense":              "--nonsense",
		device + " -z":                      "-z",
		device + " --tcp 127.0.0.1:1":       "--tcp replaces TARGET",
		device + " --exec=":                 "--exec needs a command",
		device + " --exec x --wait 1":       "--wait is for standard input",
		device + " --exec x --listen-tcp 1": "exclude each other",
		device + " --eol lf":                `"lf" for "--eol" flag: use cr or crlf`,
		device + " --eol cr --exec x":       "--eol is for standard input",
		device + " --listen-tcp 70000":      "0 to 65535",
		device + " --listen-tcp=":           "0 to 65535",
		"--tcp nonsense":                    "host:port",
		"--tcp=":                            "host:port",
		"--tcp 127.0.0.1:1 --channel 1":     "--channel is for Bluetooth",
		"--tcp 127.0.0.1:1 --security low":  "--security is for Bluetooth",
		"--tcp 127.0.0.1:1 -i hci0":         "--adapter is for Bluetooth",
	} {
		f := newFake(t)
		stdout, stderr := f.runs(t, statusUsage, append([]string{"connect"}, strings.Fields(line)...)...)
		wantError(t, stderr, part)
		if stdout != "" || len(f.dialed) > 0 || len(f.inquiries) > 0 {
			t.Errorf("connect %s: printed %q, dialed %v", line, stdout, f.dialed)
		}
	}
}

// The causes are wrapped as by package net.
func TestExitStatusOfErrors(t *testing.T) {
	for _, tt := range []struct {
		err    error
		status int
	}{
		{syscall.EHOSTDOWN, statusNotFound},
		{syscall.ECONNREFUSED, statusNotFound},
		{syscall.ENODEV, statusNotFound},
		{syscall.ENETDOWN, statusNotFound},
		{&sdp.NotFoundError{Device: printerAddr, Service: sdp.SerialPort}, statusNotFound},
		{&net.DNSError{IsNotFound: true}, statusNotFound},
		{syscall.EBUSY, statusBusy},
		{syscall.ETIMEDOUT, statusBusy},
		{syscall.EADDRINUSE, statusBusy},
		{os.ErrDeadlineExceeded, statusBusy},
		{context.DeadlineExceeded, statusBusy},
		{rfcomm.ErrUnconfirmed, statusBusy},
		{fmt.Errorf("%w: %w", bluez.ErrNoBus, syscall.ECONNREFUSED), statusOther},
		{bluez.ErrNoDaemon, statusOther},
		{bluez.ErrNoAdapter, statusNotFound},
		{bluez.ErrBlocked, statusNotFound},
		{bluez.ErrGone, statusNotFound},
		{bluez.ErrUnreachable, statusNotFound},
		{bluez.ErrInProgress, statusBusy},
		{bluez.ErrAuthTimeout, statusBusy},
		{bluez.ErrAuthFailed, statusPermission},
		{bluez.ErrAuthRejected, statusPermission},
		{bluez.ErrDenied, statusPermission},
		{syscall.EACCES, statusPermission},
		{syscall.EPERM, statusPermission},
		{fs.ErrPermission, statusPermission},
		{errBadKey, statusPermission},
		{syscall.EAFNOSUPPORT, statusOther},
		{errors.ErrUnsupported, statusOther},
		{errClosedEarly, statusOther},
	} {
		f := newFake(t)
		f.err = opError(tt.err)
		stdout, stderr := f.runs(t, tt.status, "connect", printerAddr.String()+"/spp")
		wantError(t, stderr, oneLine(tt.err.Error()))
		if stdout != "" {
			t.Errorf("%v: printed %q", tt.err, stdout)
		}
	}
}

func TestErrorsAdviseFlags(t *testing.T) {
	f := newFake(t)
	f.err = opError(errors.New("ask for SecurityMedium"))
	_, stderr := f.runs(t, statusOther, "connect", printerAddr.String())
	wantError(t, stderr, "ask for --security medium\n")
}

func TestExitStatusOfSignals(t *testing.T) {
	for number, status := range map[syscall.Signal]int{syscall.SIGINT: 130, syscall.SIGTERM: 143, syscall.SIGHUP: 129} {
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(signalError{number})
		f := newFake(t)
		f.err = opError(context.Canceled)
		if got := f.run(ctx, []string{"services", printerAddr.String()}); got != status {
			t.Errorf("status %d after %v, want %d", got, number, status)
		}
		wantError(t, f.stderr.String(), map[bool]string{true: "interrupted", false: "ended by a signal"}[status == 130])
	}
}

// The channel of a device that lists no services has to be guessed.
func TestConnectAdvisesChannelOne(t *testing.T) {
	refused := func(network string) error {
		return &net.OpError{Op: "dial", Net: network, Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	}
	other := []*sdp.Record{sdp.NewObjectPush("Inbox", 12)}
	for _, tt := range []struct {
		target  string
		err     error
		advised bool
	}{
		{"00:AA:01:00:00:01", refused("l2cap"), true},
		{"00:AA:01:00:00:01/spp", &sdp.NotFoundError{Service: sdp.SerialPort}, true},
		{"00:AA:01:00:00:01/spp", &sdp.NotFoundError{Service: sdp.SerialPort, Offered: other}, false},
		{"00:AA:01:00:00:01/spp", refused("rfcomm"), false},
		{"00:AA:01:00:00:01/3", refused("rfcomm"), false},
	} {
		f := newFake(t)
		f.err = tt.err
		_, stderr := f.runs(t, statusNotFound, "connect", tt.target)
		wantError(t, stderr, tt.err.Error())
		if advised := strings.Contains(stderr, "try 00:AA:01:00:00:01/1\n"); advised != tt.advised {
			t.Errorf("%s, %v: %s", tt.target, tt.err, stderr)
		}
	}
}
