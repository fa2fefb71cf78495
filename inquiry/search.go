package inquiry

import (
	"cmp"
	"context"
	"errors"
	"io"
	"time"

	"github.com/go-rfcomm/rfcomm/internal/paging"
)

const (
	// unit is the unit of the length of an inquiry (Core Specification, Volume
	// 4, Part E, section 7.1.1), and maxUnits the longest that a search uses.
	// The specification permits 48. A process that is killed leaves an inquiry
	// behind, which should end soon.
	unit     = 1280 * time.Millisecond
	maxUnits = 8

	// grace is the time by which an inquiry may exceed its length until it is
	// cancelled.
	grace = 500 * time.Millisecond

	// answerWait is the maximum time for the answer to a command. The kernel
	// itself gives a controller 2 s (HCI_CMD_TIMEOUT).
	answerWait = 5 * time.Second

	// cancelWait is the maximum time for the end of an inquiry or a name request
	// that was cancelled.
	cancelWait = time.Second

	// nameWait is the maximum time for a device's name. The usual page timeout
	// is 5.12 s.
	nameWait = 6 * time.Second

	// busyPause is the time between two attempts while the controller refuses a
	// command because another program uses it, and busyWait is the maximum time
	// for which it does so without a break. bluetoothd inquires for 10.24 s at a
	// time.
	busyPause = 500 * time.Millisecond
	busyWait  = time.Minute

	// between is the time between two inquiries of a search, in which another
	// search that waits for the adapter can begin.
	between = 100 * time.Millisecond

	// cancelledPause is the time until an inquiry that the kernel or another
	// program has cancelled is started again. The usual reason is a page.
	cancelledPause = time.Second

	// checkInterval is the time between two looks at the state of the adapter,
	// whose end the kernel does not report to a socket without privileges.
	checkInterval = 500 * time.Millisecond
)

// A search finds devices with one adapter. It runs on its own goroutine. The
// fields above the blank line are set by its creator.
type search struct {
	conn    io.ReadWriteCloser // transfers one HCI packet per call
	check   func() error       // returns the error of an adapter that is down or gone
	radio   *paging.Activity   // of the adapter
	code    accessCode
	left    time.Duration // of the inquiries; negative means no limit
	names   bool          // request names
	devices *table

	events  chan event    // of the reader; closed at its end
	readErr error         // the reader's error; set before events is closed
	ended   chan struct{} // closed when run has returned
	active  bool          // an inquiry or a name request may be in progress
	refused time.Time     // since when the controller refuses commands as disallowed
}

var (
	// errWaited is the error of a wait whose time has passed.
	errWaited = errors.New("waited long enough")
	// errPage is the error of a wait that ended because of a page of this
	// process: the page waits for the search, or the search waited for the page
	// and it has ended.
	errPage = errors.New("a page began or ended")
)

// run inquires and requests names, alternately, until the inquiries have taken
// their time and all names were requested, or until ctx is done. When it
// returns, neither is in progress.
func (s *search) run(ctx context.Context) error {
	s.events, s.ended = make(chan event), make(chan struct{})
	defer close(s.ended)
	go s.read()
	for s.left != 0 {
		err := s.inquire(ctx)
		switch {
		case err == nil:
			err = s.requestNames(ctx)
		case isDisallowed(err):
			err = s.busy(ctx)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// read passes events on until the end of the connection or of run.
func (s *search) read() {
	defer close(s.events)
	packet := make([]byte, maxPacket)
	for {
		n, err := s.conn.Read(packet)
		if err != nil {
			s.readErr = err
			return
		}
		e, ok := parseEvent(packet[:n])
		if !ok {
			continue
		}
		select {
		case s.events <- e:
		case <-s.ended:
			return
		}
	}
}

// next returns the next event that is not a result. It adds the devices in
// events to the table, including those of other programs' inquiries. It returns
// ctx.Err(), errWaited after the given time, errPage, or the reason for which
// the adapter cannot be used.
func (s *search) next(ctx context.Context, until time.Time) (event, error) {
	timer := time.NewTimer(time.Until(until))
	defer timer.Stop()
	check := time.NewTicker(checkInterval)
	defer check.Stop()
	for {
		select {
		case e, ok := <-s.events:
			if !ok {
				return event{}, s.readErr
			}
			s.devices.add(e)
			if e.responses == nil {
				return e, nil
			}
		case <-s.radio.Changed():
			if s.radio.PagePending() == s.active {
				return event{}, errPage
			}
		case <-check.C:
			if err := s.check(); err != nil {
				return event{}, err
			}
		case <-timer.C:
			return event{}, errWaited
		case <-ctx.Done():
			return event{}, ctx.Err()
		}
	}
}

// pause waits for d, or until an event for which ends returns true, or until a
// page ends.
func (s *search) pause(ctx context.Context, d time.Duration, ends func(event) bool) error {
	for until := time.Now().Add(d); ; {
		e, err := s.next(ctx, until)
		switch {
		case err == errWaited, err == errPage:
			return nil
		case err != nil:
			return err
		case ends(e):
			return nil
		}
	}
}

// acquire waits until no page of this process is pending. Pages then wait until
// release is called.
func (s *search) acquire(ctx context.Context) (release func(), err error) {
	for !s.radio.Start() {
		if err := s.pause(ctx, checkInterval, event.none); err != nil {
			return nil, err
		}
	}
	s.active = true
	return func() {
		s.active = false
		s.radio.Stop()
	}, nil
}

// begin sends a command and waits until the controller accepts or refuses it.
// If ctx or a page ends the wait, begin still waits for the answer, for
// cancelWait, so that its caller knows whether to cancel the command. Without an
// answer, accepted is true.
func (s *search) begin(ctx context.Context, code opcode, packet []byte) (accepted bool, err error) {
	if _, err := s.conn.Write(packet); err != nil {
		return false, err
	}
	for until := time.Now().Add(answerWait); ; {
		e, interrupted := s.next(ctx, until)
		switch {
		case interrupted == errWaited:
			return true, cmp.Or(err, error(errNoAnswer))
		case interrupted == errPage, interrupted != nil && interrupted == ctx.Err():
			if err == nil {
				err, until = interrupted, time.Now().Add(cancelWait)
			}
			ctx = context.WithoutCancel(ctx)
		case interrupted != nil:
			return false, interrupted
		case e.code == commandStatus && e.opcode == code:
			if e.status != success {
				return false, cmp.Or(err, error(&refusal{code, e.status}))
			}
			s.refused = time.Time{}
			return true, err
		}
	}
}

// cancel sends a command that cancels another one, and waits for its end for
// cancelWait.
func (s *search) cancel(packet []byte, ends func(event) bool) {
	if _, err := s.conn.Write(packet); err != nil {
		return
	}
	for until := time.Now().Add(cancelWait); ; {
		e, err := s.next(context.Background(), until)
		if err != nil && err != errPage || err == nil && ends(e) {
			return
		}
	}
}

// busy waits after the controller has refused a command as disallowed, which
// means that it executes a similar one for another program. It returns when the
// controller may accept the command, or errBusy after busyWait.
func (s *search) busy(ctx context.Context) error {
	if s.refused.IsZero() {
		s.refused = time.Now()
	}
	if time.Since(s.refused) >= busyWait {
		return errBusy
	}
	return s.pause(ctx, busyPause, event.endsInquiry)
}
