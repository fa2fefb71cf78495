package main

import (
	"context"
	"fmt"
	"iter"
	"slices"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/sdp"
)

// A diagnosis is one run of doctor.
type diagnosis struct {
	*tool
	ctx  context.Context // ends with --timeout
	only string          // the adapter of the flag, or ""

	kernelErr error // of listing the adapters
	adapters  []rfcomm.Adapter
	daemonErr error
	managed   []string // the adapters of bluetoothd

	// The device of the command line, if there is one.
	word      string
	link      *link
	device    rfcomm.BDAddr // when findDevice has found it
	deviceErr error
	records   []*sdp.Record // of its serial ports

	failed map[string]string // the check to solve first, by the check that failed
}

// A check finds out whether a part of Bluetooth works.
type check struct {
	name  string
	needs string // the check that has to succeed before, or ""
	run   func(*diagnosis) finding
}

// checks are in the order of causes: each prevents those that need it. Those of
// each adapter follow bluetoothd, which switches adapters on.
var checks = []check{
	{"kernel", "", (*diagnosis).kernel},
	{"namespace", "kernel", (*diagnosis).sockets},
	{"rfcomm", "namespace", (*diagnosis).rfcomm},
	{"adapter", "namespace", (*diagnosis).adapter},
	{"bus", "namespace", (*diagnosis).bus},
	{"bluetoothd", "bus", (*diagnosis).bluetoothd},
	{"pairing", "bluetoothd", (*diagnosis).pairing},
	{"", "adapter", nil}, // those of each adapter
	{"serial ports", "namespace", (*diagnosis).serialPorts},
	{"privileges", "namespace", (*diagnosis).privileges},
}

// findings returns the results of all checks, one after the other.
func (d *diagnosis) findings() iter.Seq[finding] {
	d.failed = make(map[string]string)
	return func(yield func(finding) bool) {
		all := checks
		if d.word != "" {
			all = slices.Concat(checks, deviceChecks)
		}
		for _, c := range all {
			for _, f := range d.resultsOf(c) {
				if !yield(f) {
					return
				}
			}
		}
	}
}

// resultsOf returns the results of a check.
func (d *diagnosis) resultsOf(c check) []finding {
	cause, prevented := d.failed[c.needs]
	switch {
	case c.run == nil && prevented:
		return d.ofNoAdapter(cause)
	case c.run == nil:
		return d.ofAdapters()
	}
	var f finding
	switch {
	case prevented:
		f = firstSolve(cause)
		d.failed[c.name] = cause
	case d.ctx.Err() != nil:
		f = unchecked("no time is left: use a longer --timeout")
		d.failed[c.name] = c.name
	default:
		if f = c.run(d); f.State == stateProblem {
			d.failed[c.name] = c.name
		}
	}
	f.Check = c.name
	return []finding{f}
}

// ofNoAdapter returns the results of the checks of adapters without one.
func (d *diagnosis) ofNoAdapter(cause string) (findings []finding) {
	for _, name := range []string{checkRfkill, checkPower, checkPageScan, checkInquiryScan} {
		f := firstSolve(cause)
		f.Check = name
		findings = append(findings, f)
	}
	d.failed[checkPower] = cause
	return findings
}

// ofAdapters returns the results of the checks of each adapter. An adapter that
// does not work is not a problem if another one does.
func (d *diagnosis) ofAdapters() (findings []finding) {
	usable := false
	for _, a := range d.adapters {
		usable = usable || a.Up
	}
	if !usable {
		d.failed[checkPower] = checkPower
	}
	for _, a := range d.adapters {
		for _, f := range d.adapterFindings(a, a.Name, d.daemonErr == nil) {
			if f.State == stateProblem && usable {
				f.State = stateWarning
			}
			findings = append(findings, f)
		}
	}
	return findings
}

// timeUp returns the finding of a check that did not end in time.
func (d *diagnosis) timeUp(detail, remedy string) finding {
	return problem(statusBusy, detail+" in time (--timeout)", remedy)
}

// bounded calls a function that may be stuck in the kernel. If the context ends
// before, it leaves the function alone and returns the error of the context.
func bounded[T any](ctx context.Context, f func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		value, err := f()
		done <- result{value, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		var none T
		return none, context.Cause(ctx)
	}
}

// A diagnosisError is the error of a machine with a problem, whose finding has been
// printed.
type diagnosisError struct{ first finding }

func (e diagnosisError) Error() string {
	return fmt.Sprintf("%s: %s: %s", e.first.Check, e.first.Detail, e.first.Remedy)
}

// diagnosed returns the error of the first problem, or nil.
func diagnosed(first *finding) error {
	if first == nil {
		return nil
	}
	return printedError{diagnosisError{*first}}
}
