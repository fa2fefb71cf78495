package inquiry

import (
	"context"
	"time"
)

// inquire runs an inquiry. A page of this process can end it early.
func (s *search) inquire(ctx context.Context) error {
	release, err := s.acquire(ctx)
	if err != nil {
		return err
	}
	length, began := inquiryLength(s.left), time.Now()
	err = s.inquireFor(ctx, length)
	release()
	switch {
	case err == nil, err == errWaited:
		if s.spend(length); s.left == 0 {
			return nil
		}
		return s.pause(ctx, between, event.none)
	case err == errPage:
		s.spend(time.Since(began))
		return nil
	case err == errCancelled:
		s.spend(time.Since(began))
		return s.pause(ctx, cancelledPause, event.none)
	}
	return err
}

// inquireFor starts an inquiry and waits for its end. It cancels an inquiry that
// takes longer, which is then the reason for errWaited.
func (s *search) inquireFor(ctx context.Context, length time.Duration) error {
	units := (length + unit - 1) / unit
	accepted, err := s.begin(ctx, inquiry, inquiryCommand(s.code, byte(units)))
	if err == nil {
		if units*unit == length {
			length += grace
		}
		err = s.awaitInquiryEnd(ctx, time.Now().Add(length))
	}
	if accepted && err != nil && err != errCancelled {
		s.cancel(command(inquiryCancel), event.endsInquiry)
	}
	return err
}

// awaitInquiryEnd returns nil when the inquiry has ended by itself, and
// errCancelled if it was cancelled by another program or by the kernel, which
// does so before it pages a device (hci_acl_create_conn_sync).
func (s *search) awaitInquiryEnd(ctx context.Context, until time.Time) error {
	for {
		e, err := s.next(ctx, until)
		switch {
		case err != nil:
			return err
		case e.code == inquiryComplete:
			return nil
		case e.isAnswer(inquiryCancel) && e.status == success:
			return errCancelled
		}
	}
}

// inquiryLength returns the length of the next inquiry of a search that has the
// given time left. If negative, the time is not limited.
func inquiryLength(left time.Duration) time.Duration {
	if left < 0 {
		return maxUnits * unit
	}
	return min(left, maxUnits*unit)
}

// spend subtracts the length of an inquiry from the time that is left. A rest
// that is too short to find a device is dropped.
func (s *search) spend(d time.Duration) {
	if s.left < 0 {
		return
	}
	const shortest = 50 * time.Millisecond
	if s.left -= d; s.left < shortest {
		s.left = 0
	}
}

func (event) none() bool { return false }

// endsInquiry reports whether no inquiry is in progress after the event, of
// this or another program.
func (e event) endsInquiry() bool {
	return e.code == inquiryComplete || e.isAnswer(inquiryCancel)
}

// isAnswer reports whether the event is the answer to a command.
func (e event) isAnswer(to opcode) bool {
	return (e.code == commandComplete || e.code == commandStatus) && e.opcode == to
}
