package inquiry

import (
	"testing"
	"time"
)

const pageTimeout = 0x04

// Names are requested one at a time, in the order in which the devices were
// found.
func TestRequestNamesOneAtATime(t *testing.T) {
	withController(t, func(t *testing.T, c *controller) {
		u := consume(c, Options{}, nil)
		c.expectInquiry(8)
		c.found(distant, "")
		u.expect(device(distant, ""))
		c.found(nearby, "\x03\x08OB")
		u.expect(device(nearby, "OB"))
		c.inquiryComplete()
		c.expectNameRequest(distant)
		c.expectNothing(nameWait / 2)
		c.name(nearby, success, "another program's request")
		u.expect(device(nearby, "another program's request"))
		c.expectNothing(nameWait / 4)
		c.name(distant, success, "")
		u.succeed()
	})
}

// Devices that do not tell their names are asked again after the next inquiry,
// if they answer it.
func TestRequestNamesGivesUp(t *testing.T) {
	withController(t, func(t *testing.T, c *controller) {
		u := consume(c, Options{Duration: 40 * unit, NoNameRequests: false}, nil)
		for round := range 5 {
			c.expectInquiry(8)
			c.found(distant, "")
			if round == 0 {
				u.expect(device(distant, ""))
				c.found(nearby, "")
				u.expect(device(nearby, ""))
			}
			c.inquiryComplete()
			if round < maxRequests {
				c.expectNameRequest(distant)
				c.name(distant, pageTimeout, "")
			}
			if round == 0 {
				c.expectNameRequest(nearby)
				began := time.Now()
				c.expectNameCancel(nearby)
				if after := time.Since(began); after != nameWait {
					t.Errorf("cancelled after %v, want %v", after, nameWait)
				}
			}
		}
		u.succeed()
	})
}

// A request that ended before its cancellation does not delay the next step.
func TestRequestNameCancelTooLate(t *testing.T) {
	withController(t, func(t *testing.T, c *controller) {
		u := consumeNameless(c)
		c.expectNameRequest(distant)
		u.cancel()
		c.expect(nameRequestCancel, kernelOrder(distant)...)
		c.complete(nameRequestCancel, 0x02, kernelOrder(distant)...)
		began := time.Now()
		u.end()
		if took := time.Since(began); took != 0 {
			t.Errorf("the end took %v", took)
		}
	})
}

func TestRequestNamesRefused(t *testing.T) {
	withController(t, func(t *testing.T, c *controller) {
		u := consumeNameless(c)
		for range 3 {
			c.expect(nameRequest, nameRequestCommand(response{device: distant, repetition: 1, clockOffset: 0x1234})[4:]...)
			c.answer(nameRequest, commandDisallowed)
		}
		c.expectNameRequest(distant)
		c.name(distant, success, "HC-05")
		u.expect(device(distant, "HC-05"))
		u.succeed()
	})
}

// Names are optional: another program that uses the adapter all the time does
// not make the loop fail.
func TestRequestNamesBusy(t *testing.T) {
	withController(t, func(t *testing.T, c *controller) {
		u := consumeNameless(c)
		began := time.Now()
		for time.Since(began) <= busyWait {
			if packet := c.next(2 * busyPause); packet == nil {
				break
			}
			c.answer(nameRequest, commandDisallowed)
		}
		u.succeed()
	})
}
