package main

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"slices"
	"syscall"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/bluez"
	"github.com/go-rfcomm/rfcomm/filetransfer"
	"github.com/go-rfcomm/rfcomm/sdp"
)

// Exit statuses. The comment of the program lists them for users.
const (
	statusOK         = 0
	statusOther      = 1
	statusUsage      = 2
	statusNotFound   = 3
	statusBusy       = 4
	statusPermission = 5
	statusSignal     = 128 // plus the number of the signal
)

// A usageError reports a wrong command line.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// A notFoundError reports that something with a name does not exist.
type notFoundError struct{ error }

func (e notFoundError) Unwrap() error { return e.error }

// A tryAgainError reports that the same command may succeed later.
type tryAgainError struct{ error }

func (e tryAgainError) Unwrap() error { return e.error }

// A printedError has been printed already.
type printedError struct{ error }

func (e printedError) Unwrap() error { return e.error }

// A signalError is the cause of a context that a signal has ended.
type signalError struct{ number syscall.Signal }

func (e signalError) Error() string {
	if e.number == syscall.SIGINT {
		return "interrupted"
	}
	return "ended by a signal: " + e.number.String()
}

// statusOf returns the exit status of an error.
func statusOf(err error) int {
	if err == nil {
		return statusOK
	}
	if ended, ok := errors.AsType[signalError](err); ok {
		return statusSignal + int(ended.number)
	}
	if _, ok := errors.AsType[usageError](err); ok {
		return statusUsage
	}
	if diagnosed, ok := errors.AsType[diagnosisError](err); ok {
		return diagnosed.first.status
	}
	switch {
	case isPermission(err):
		return statusPermission
	case isOneOf(err, bluez.ErrNoBus, bluez.ErrNoDaemon):
		return statusOther // whatever the errno is
	case isNotFound(err):
		return statusNotFound
	case isBusy(err):
		return statusBusy
	}
	return statusOther
}

// isPermission reports whether a privilege, pairing or encryption is missing.
// Package rfcomm's EACCES does not match fs.ErrPermission.
func isPermission(err error) bool {
	if _, ok := errors.AsType[pairingError](err); ok {
		return true
	}
	return isOneOf(err, fs.ErrPermission, syscall.EACCES, syscall.EPERM, errBadKey, filetransfer.ErrRefused,
		bluez.ErrDenied, bluez.ErrAuthFailed, bluez.ErrAuthCanceled, bluez.ErrAuthRejected, bluez.ErrKeyMissing)
}

// isNotFound reports whether a device, a service or an adapter does not exist,
// or does not answer at its address.
func isNotFound(err error) bool {
	if _, ok := errors.AsType[notFoundError](err); ok {
		return true
	}
	if _, ok := errors.AsType[*sdp.NotFoundError](err); ok {
		return true
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		return dns.IsNotFound
	}
	return isOneOf(err, syscall.EHOSTDOWN, syscall.EHOSTUNREACH, syscall.ECONNREFUSED, syscall.ENETDOWN, syscall.ENODEV,
		bluez.ErrNoAdapter, bluez.ErrPowerOff, bluez.ErrGone, bluez.ErrUnreachable, bluez.ErrNoProfile, bluez.ErrRefused)
}

// isBusy reports whether the same command may succeed later.
func isBusy(err error) bool {
	if _, ok := errors.AsType[tryAgainError](err); ok {
		return true
	}
	return isOneOf(err, os.ErrDeadlineExceeded, context.DeadlineExceeded, rfcomm.ErrUnconfirmed,
		bluez.ErrInProgress, bluez.ErrAuthTimeout, bluez.ErrConnectFailed,
		filetransfer.ErrBusy, filetransfer.ErrServerClosed, filetransfer.ErrChanged,
		syscall.EBUSY, syscall.EALREADY, syscall.EAGAIN, syscall.EADDRINUSE, syscall.ECONNABORTED,
		syscall.ECONNRESET, syscall.ENOMEM, syscall.ENOTCONN, syscall.ETIMEDOUT)
}

// isOneOf reports whether an error matches one of the targets.
func isOneOf(err error, targets ...error) bool {
	return slices.ContainsFunc(targets, func(target error) bool { return errors.Is(err, target) })
}
