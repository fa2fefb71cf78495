package inquiry

import (
	"context"
	"errors"
	"os"
	"slices"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/paging"
)

const obd = "\x06\x09OBDII" // the name in an extended inquiry response

func TestDevicesReturnsDevicesAsFound(t *testing.T) {
	withController(t, func(t *testing.T, c *controller) {
		u := consume(c, Options{}, nil)
		c.expectInquiry(8)
		c.found(nearby, obd)
		u.expect(device(nearby, "OBDII"))
		c.found(nearby, obd)
		c.found(nearby, "")
		u.expectNothing()
		c.found(distant, "")
		u.expect(device(distant, ""))
		c.inquiryComplete()
		c.expectNameRequest(distant)
		c.name(distant, success, "HC-05")
		u.expect(device(distant, "HC-05"))
		u.succeed()
	})
}

// A body that takes long receives the latest state of each device once.
func TestDevicesCoalescesNews(t *testing.T) {
	withController(t, func(t *testing.T, c *controller) {
		u := consume(c, Options{Duration: unit}, nil)
		c.expectInquiry(1)
		c.found(nearby, obd)
		synctest.Wait() // the body has received the device
		for range 3 {
			c.found(distant, "")
			c.found(distant, "\x03\x08HC")
		}
		c.inquiryComplete()
		c.expectNameRequest(distant)
		c.name(distant, success, "HC-05")
		synctest.Wait()
		u.expect(device(nearby, "OBDII"))
		u.expect(device(distant, "HC-05"))
		u.succeed()
	})
}

func TestDevicesDuration(t *testing.T) {
	for name, tt := range map[string]struct {
		duration  time.Duration
		inquiries []byte        // their lengths
		cancelled time.Duration // when the last one is cancelled, after its start; 0 if it is not
	}{
		"default":            {0, []byte{8}, 0},
		"one unit":           {unit, []byte{1}, 0},
		"less than one unit": {time.Second, []byte{1}, time.Second},
		"very short":         {time.Millisecond, []byte{1}, time.Millisecond},
		"several":            {25 * time.Second, []byte{8, 8, 4}, 25*time.Second - 16*unit},
	} {
		t.Run(name, func(t *testing.T) {
			withController(t, func(t *testing.T, c *controller) {
				u := consume(c, Options{Duration: tt.duration}, nil)
				for i, units := range tt.inquiries {
					c.expectInquiry(units)
					if i == len(tt.inquiries)-1 && tt.cancelled != 0 {
						began := time.Now()
						c.expectCancel()
						if after := time.Since(began); after != tt.cancelled {
							t.Errorf("cancelled after %v, want %v", after, tt.cancelled)
						}
						break
					}
					time.Sleep(time.Duration(units) * unit)
					c.inquiryComplete()
				}
				u.succeed()
			})
		})
	}
}

func TestDevicesNegativeDuration(t *testing.T) {
	withController(t, func(t *testing.T, c *controller) {
		u := consume(c, Options{Duration: -1}, nil)
		c.expectInquiry(8)
		for range 20 {
			time.Sleep(8 * unit)
			c.inquiryComplete()
			ended := time.Now()
			c.expectInquiry(8)
			if after := time.Since(ended); after != between {
				t.Errorf("the next inquiry began after %v, want %v", after, between)
			}
		}
		u.cancel()
		c.expectCancel()
		if err := u.end(); err != context.Canceled {
			t.Error(err)
		}
	})
}

// A controller that does not end the inquiry is asked to.
func TestDevicesEndsLongInquiry(t *testing.T) {
	withController(t, func(t *testing.T, c *controller) {
		u := consume(c, Options{}, nil)
		c.expectInquiry(8)
		began := time.Now()
		c.expectCancel()
		if after := time.Since(began); after != 8*unit+grace {
			t.Errorf("cancelled after %v", after)
		}
		u.succeed()
	})
}

func TestDevicesLimited(t *testing.T) {
	withController(t, func(t *testing.T, c *controller) {
		u := consume(c, Options{Limited: true}, nil)
		c.expect(inquiry, 0x00, 0x8b, 0x9e, 8, 0)
		c.answer(inquiry, success)
		c.inquiryComplete()
		u.succeed()
	})
}

func TestDevicesNoNameRequests(t *testing.T) {
	withController(t, func(t *testing.T, c *controller) {
		u := consume(c, Options{NoNameRequests: true}, nil)
		c.expectInquiry(8)
		c.found(distant, "")
		u.expect(device(distant, ""))
		c.inquiryComplete()
		u.succeed()
	})
}

// The end of the loop cancels the inquiry, and waits for the confirmation.
func TestDevicesCancelsAtEnd(t *testing.T) {
	for name, tt := range map[string]struct {
		end  func(u *consumer)
		want error
	}{
		"by break":   {func(*consumer) {}, nil},
		"by context": {func(u *consumer) { u.cancel() }, context.Canceled},
	} {
		t.Run(name, func(t *testing.T) {
			withController(t, func(t *testing.T, c *controller) {
				u := consume(c, Options{}, func(Device) bool { return name != "by break" })
				c.expectInquiry(8)
				c.found(nearby, obd)
				if tt.want != nil {
					u.expect(device(nearby, "OBDII"))
				}
				tt.end(u)
				c.expect(inquiryCancel)
				synctest.Wait()
				select {
				case <-u.ended:
					t.Error("the loop did not wait for the end of the inquiry")
				default:
				}
				c.complete(inquiryCancel, success)
				if err := u.end(); err != tt.want {
					t.Errorf("error %v, want %v", err, tt.want)
				}
			})
		})
	}
}

func TestDevicesCancelWaitsBriefly(t *testing.T) {
	withController(t, func(t *testing.T, c *controller) {
		u := consume(c, Options{}, nil)
		c.expectInquiry(8)
		synctest.Wait()
		u.cancel()
		began := time.Now()
		c.expect(inquiryCancel)
		u.end()
		if took := time.Since(began); took != cancelWait {
			t.Errorf("the end took %v, want %v", took, cancelWait)
		}
	})
}

// A cancelled context ends a loop that has not heard from the controller yet.
// An inquiry that the controller refuses then belongs to another program and
// must go on.
func TestDevicesCancelAwaitsStatus(t *testing.T) {
	for s, cancels := range map[status]bool{success: true, commandDisallowed: false} {
		t.Run(s.String(), func(t *testing.T) {
			withController(t, func(t *testing.T, c *controller) {
				u := consume(c, Options{}, nil)
				c.expect(inquiry, 0x33, 0x8b, 0x9e, 8, 0)
				u.cancel()
				c.expectNothing(cancelWait / 2)
				c.answer(inquiry, s)
				if cancels {
					c.expectCancel()
				}
				if err := u.end(); err != context.Canceled {
					t.Error(err)
				}
			})
		})
	}
}

func TestDevicesCancelsNameRequest(t *testing.T) {
	withController(t, func(t *testing.T, c *controller) {
		u := consumeNameless(c)
		c.expectNameRequest(distant)
		u.cancel()
		c.expectNameCancel(distant)
		u.end()
	})
}

// A loop whose body panics cancels the inquiry as well.
func TestDevicesCancelsAfterPanic(t *testing.T) {
	withController(t, func(t *testing.T, c *controller) {
		recovered := make(chan any, 1)
		go func() {
			defer func() { recovered <- recover() }()
			o := Options{}
			l := startLoop(t.Context(), o.search(&rfcomm.Adapter{}, c))
			defer l.end()
			l.run(func(Device, error) bool { panic("body") })
		}()
		c.expectInquiry(8)
		c.found(nearby, obd)
		c.expectCancel()
		if got := <-recovered; got != "body" {
			t.Errorf("recovered %v", got)
		}
	})
}

func TestDevicesContextDone(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	n := 0
	for d, err := range Devices(ctx, nil) {
		n++
		if !errors.Is(err, os.ErrDeadlineExceeded) || !errors.Is(err, context.DeadlineExceeded) || d != (Device{}) {
			t.Errorf("received %v, %v", d, err)
		}
	}
	if n != 1 {
		t.Errorf("the loop ran %d times, want once", n)
	}
}

// While the controller inquires for another program, the inquiry is tried again
// and the devices of the other inquiry are received.
func TestDevicesRetriesDisallowed(t *testing.T) {
	withController(t, func(t *testing.T, c *controller) {
		u := consume(c, Options{}, nil)
		c.refuseInquiry(commandDisallowed)
		c.found(nearby, obd)
		u.expect(device(nearby, "OBDII"))
		began := time.Now()
		c.refuseInquiry(commandDisallowed)
		if after := time.Since(began); after != busyPause {
			t.Errorf("retried after %v, want %v", after, busyPause)
		}
		c.inquiryComplete() // the other one
		began = time.Now()
		c.expectInquiry(8)
		if after := time.Since(began); after != 0 {
			t.Errorf("retried %v after the other inquiry", after)
		}
		c.inquiryComplete()
		u.succeed()
	})
}

func TestDevicesGivesUpDisallowed(t *testing.T) {
	withController(t, func(t *testing.T, c *controller) {
		u := consume(c, Options{}, nil)
		began := time.Now()
		go func() {
			for packet := range c.commands {
				if slices.Equal(packet, inquiryCommand(general, 8)) {
					c.answer(inquiry, commandDisallowed)
				} else {
					t.Errorf("command % x", packet)
				}
			}
		}()
		if err := u.end(); !errors.Is(err, syscall.EBUSY) {
			t.Errorf("error %v, want EBUSY", err)
		}
		if after := time.Since(began); after != busyWait {
			t.Errorf("gave up after %v, want %v", after, busyWait)
		}
		close(c.commands)
		c.commands = nil
	})
}

func TestDevicesReportsRefusal(t *testing.T) {
	withController(t, func(t *testing.T, c *controller) {
		u := consume(c, Options{}, nil)
		c.refuseInquiry(0x03)
		if err := u.end(); err == nil || err.Error() != "the adapter refused command 0x0401: Hardware Failure (0x03)" {
			t.Error(err)
		}
	})
}

func TestDevicesWithoutAnswer(t *testing.T) {
	withController(t, func(t *testing.T, c *controller) {
		u := consume(c, Options{}, nil)
		c.expect(inquiry, 0x33, 0x8b, 0x9e, 8, 0)
		began := time.Now()
		c.expectCancel()
		if err := u.end(); !errors.Is(err, syscall.ETIMEDOUT) {
			t.Error(err)
		}
		if after := time.Since(began); after != answerWait {
			t.Errorf("gave up after %v, want %v", after, answerWait)
		}
	})
}

func TestDevicesAdapterGone(t *testing.T) {
	gone := os.NewSyscallError("read", syscall.EPIPE)
	for name, end := range map[string]func(c *controller, u *consumer){
		"read fails": func(c *controller, u *consumer) {
			c.readErr = gone
			c.Close()
		},
		"check fails": func(c *controller, u *consumer) { u.check <- gone },
	} {
		t.Run(name, func(t *testing.T) {
			withController(t, func(t *testing.T, c *controller) {
				u := consume(c, Options{}, nil)
				c.expectInquiry(8)
				c.found(nearby, obd)
				synctest.Wait()
				end(c, u)
				u.expect(device(nearby, "OBDII"))
				c.expect(inquiryCancel)
				if err := u.end(); err != gone {
					t.Errorf("error %v, want %v", err, gone)
				}
			})
		})
	}
}

// An inquiry that the kernel has cancelled, since another program dials,
// continues later.
func TestDevicesResumesCancelled(t *testing.T) {
	withController(t, func(t *testing.T, c *controller) {
		u := consume(c, Options{}, nil)
		c.expectInquiry(8)
		c.complete(inquiryCancel, commandDisallowed) // came too late for an earlier inquiry
		c.expectNothing(5 * unit)
		c.complete(inquiryCancel, success)
		began := time.Now()
		c.expectInquiry(3)
		if after := time.Since(began); after < cancelledPause {
			t.Errorf("continued after %v, want %v", after, cancelledPause)
		}
		c.inquiryComplete()
		u.succeed()
	})
}

func TestDevicesStopsForPage(t *testing.T) {
	for name, adapter := range map[string]rfcomm.BDAddr{"of the adapter": adapterAddress, "of any adapter": {}} {
		t.Run(name, func(t *testing.T) {
			withController(t, func(t *testing.T, c *controller) {
				u := consume(c, Options{}, nil)
				c.expectInquiry(8)
				time.Sleep(3 * unit)
				paged := make(chan func())
				go func() { paged <- paging.Begin(t.Context(), adapter) }()
				c.expect(inquiryCancel)
				synctest.Wait()
				select {
				case <-paged:
					t.Fatal("the page did not wait for the end of the inquiry")
				default:
				}
				c.complete(inquiryCancel, success)
				end := <-paged
				c.expectNothing(time.Minute)
				end()
				ended := time.Now()
				c.expectInquiry(5)
				if after := time.Since(ended); after != 0 {
					t.Errorf("continued %v after the page", after)
				}
				c.inquiryComplete()
				u.succeed()
			})
		})
	}
}

func TestDevicesWaitsForPage(t *testing.T) {
	withController(t, func(t *testing.T, c *controller) {
		end := paging.Begin(t.Context(), adapterAddress)
		u := consume(c, Options{}, nil)
		c.expectNothing(time.Minute + time.Millisecond)
		end()
		ended := time.Now()
		c.expectInquiry(8)
		if after := time.Since(ended); after != 0 {
			t.Errorf("began %v after the page", after)
		}
		c.inquiryComplete()
		u.succeed()
	})
}

// A dial in the body of the loop stops the request for the other device's name.
// The request is repeated afterwards.
func TestDevicesStopsNameRequestForPage(t *testing.T) {
	withController(t, func(t *testing.T, c *controller) {
		u := consumeNameless(c)
		c.expectNameRequest(distant)
		paged := make(chan func())
		go func() { paged <- paging.Begin(t.Context(), adapterAddress) }()
		c.expectNameCancel(distant)
		end := <-paged
		c.expectNothing(time.Minute)
		end()
		c.expectNameRequest(distant)
		c.name(distant, success, "HC-05")
		u.expect(device(distant, "HC-05"))
		u.succeed()
	})
}
