package inquiry

import (
	"context"
	"time"

	"github.com/go-rfcomm/rfcomm"
)

// requestNames requests the names of the devices that have not sent a complete
// one, one after the other. A page ends a request, which is repeated after the
// page.
func (s *search) requestNames(ctx context.Context) error {
	for s.names {
		r, ok := s.devices.nameless()
		if !ok {
			return nil
		}
		release, err := s.acquire(ctx)
		if err != nil {
			return err
		}
		err = s.requestName(ctx, r)
		release()
		switch {
		case err == nil, err == errPage:
		case isDisallowed(err):
			if err := s.busy(ctx); err == errBusy {
				s.names = false
			} else if err != nil {
				return err
			}
		case err == errWaited, err == errNameless, isRefusal(err):
			s.devices.refused(r.device)
		default:
			return err
		}
	}
	return nil
}

// requestName requests the name of a device and waits for the answer. It cancels
// a request that takes longer than nameWait.
func (s *search) requestName(ctx context.Context, r response) error {
	accepted, err := s.begin(ctx, nameRequest, nameRequestCommand(r))
	if err == nil {
		err = s.awaitName(ctx, r.device)
	}
	if accepted && err != nil && err != errNameless {
		s.cancel(command(nameRequestCancel, kernelOrder(r.device)...), func(e event) bool {
			return e.endsNameRequest(r.device) || e.isAnswer(nameRequestCancel) && e.status != success
		})
	}
	return err
}

// awaitName waits for the end of a name request. It returns errNameless if the
// device did not answer.
func (s *search) awaitName(ctx context.Context, device rfcomm.BDAddr) error {
	for until := time.Now().Add(nameWait); ; {
		e, err := s.next(ctx, until)
		switch {
		case err != nil:
			return err
		case e.endsNameRequest(device) && e.status != success:
			return errNameless
		case e.endsNameRequest(device):
			return nil
		}
	}
}

// endsNameRequest reports whether the event ends a request for the device's
// name.
func (e event) endsNameRequest(device rfcomm.BDAddr) bool {
	return e.code == nameRequestComplete && e.device == device
}
