package air

import (
	"runtime"
	"testing"
	"testing/synctest"
	"time"
)

func TestPathStallHoldsEverything(t *testing.T) {
	for _, types := range []PacketTypes{0, EDR3} {
		withTestbed(t, func(b *testbed) {
			p, near, far := b.path(types)
			var order []string
			note := func(s string) func() { return func() { order = append(order, s) } }
			b.do(func() {
				p.Stall()
				p.Send(near, 10, note("1 sent"), note("1"))
				p.SendLMP(near, note("2"))
				p.Send(near, 10, note("3 sent"), note("3"))
				p.SendLMP(far, nil)
			})
			b.until(50)
			b.wantOrder(order)
			b.do(p.Resume)
			b.until(100)
			b.wantOrder(order, "1 sent", "1", "2", "3 sent", "3")
		})
	}
}

func TestPathResumeCallsNothingItself(t *testing.T) {
	withTestbed(t, func(b *testbed) {
		p, near, _ := b.path(0)
		call, times := b.times()
		quiet := func(f func()) {
			before := len(*times)
			b.do(func() {
				f()
				if len(*times) != before {
					b.Error("called")
				}
			})
			synctest.Wait()
		}
		quiet(p.Stall)
		quiet(func() { p.Send(near, 10, call, call) })
		quiet(func() { p.Resume(); p.Send(near, 10, call, call) })
		b.want("after Resume", *times, 0, 0, 0, 0)
		quiet(func() { p.SetPacketTypes(EDR3); p.Send(near, 1021, call, call) })
		b.until(1)
		quiet(func() { p.SendLMP(near, call) })
		quiet(func() { p.SetPacketTypes(0) })
		b.want("while on the air", *times, 0, 0, 0, 0)
		b.until(100)
		b.want("at the end", *times, 0, 0, 0, 0, 6, 6, 6)
	})
}

func TestPathStallRepeatsPacketOnTheAir(t *testing.T) {
	withTestbed(t, func(b *testbed) {
		p, near, far := b.path(EDR3)
		arrived, arrivedAt := b.times()
		b.do(func() {
			p.Send(near, 1021, nil, arrived)
			p.Send(far, 1021, nil, arrived)
		})
		b.until(9)
		b.do(p.Stall)
		b.until(20)
		b.want("during the stall", *arrivedAt)
		b.do(p.Resume)
		b.until(100)
		b.want("after it", *arrivedAt, 30, 30)
		if u := p.Airtime(); u.Slots != 20 || u.Packets[ThreeDH5] != 4 {
			b.Errorf("use %+v", u)
		}
	})
}

func TestPathStallLeavesTheAirToOthers(t *testing.T) {
	withTestbed(t, func(b *testbed) {
		p, hub, _ := b.path(EDR3)
		q := b.Connect(hub, b.NewStation())
		q.SetPacketTypes(EDR3)
		n, m := 0, 0
		b.do(func() {
			b.keepSending(p, hub, 1021, &n)
			b.keepSending(q, hub, 1021, &m)
		})
		b.until(60)
		b.do(p.Stall)
		b.until(120)
		b.do(p.Resume)
		b.until(180)
		// The packet on the air at the stall is lost but still takes its slots.
		if n != 10 || m != 19 {
			b.Errorf("packets %d and %d", n, m)
		}
	})
}

func TestPathSetDelayAddsToTransmission(t *testing.T) {
	for types, times := range map[PacketTypes][]float64{0: {0, 0}, EDR3: {6, 12}} {
		withTestbed(t, func(b *testbed) {
			p, near, _ := b.path(types)
			sent, sentAt := b.times()
			arrived, arrivedAt := b.times()
			b.do(func() {
				p.SetDelay(100 * SlotTime)
				p.Send(near, 1021, sent, arrived)
				p.Send(near, 1021, sent, arrived)
			})
			b.until(200)
			b.want("sent", *sentAt, times...)
			b.want("arrived", *arrivedAt, 100+times[0], 100+times[1])
		})
	}
}

func TestPathSetDelayShorterKeepsOrder(t *testing.T) {
	withTestbed(t, func(b *testbed) {
		p, near, _ := b.path(0)
		var order []string
		note := func(s string) func() { return func() { order = append(order, s) } }
		arrived, arrivedAt := b.times()
		b.do(func() {
			p.SetDelay(10 * SlotTime)
			p.Send(near, 9, nil, note("1"))
			p.SendLMP(near, arrived)
			p.SetDelay(0)
			p.Send(near, 9, nil, note("2"))
			p.SendLMP(near, arrived)
		})
		b.until(100)
		b.wantOrder(order, "1", "2")
		b.want("arrived", *arrivedAt, 10, 10)
	})
}

func TestPathSetDelayKeepsThatOnTheAir(t *testing.T) {
	withTestbed(t, func(b *testbed) {
		p, near, _ := b.path(EDR3)
		arrived, arrivedAt := b.times()
		b.do(func() {
			p.Send(near, 1021, nil, arrived)
			p.Send(near, 1021, nil, arrived)
		})
		b.until(1)
		b.do(func() { p.SetDelay(50 * SlotTime) })
		b.until(100)
		b.want("arrived", *arrivedAt, 6, 62)
	})
}

func TestPathStallHoldsDelayedMessages(t *testing.T) {
	withTestbed(t, func(b *testbed) {
		p, near, _ := b.path(0)
		arrived, arrivedAt := b.times()
		b.do(func() {
			p.SetDelay(10 * SlotTime)
			p.Send(near, 9, nil, arrived)
		})
		b.until(5)
		b.do(func() { p.Send(near, 9, nil, arrived) })
		b.until(9)
		b.do(p.Stall)
		b.until(12)
		b.do(p.Resume)
		b.until(100)
		b.want("arrived", *arrivedAt, 12, 15)
	})
}

func TestPathSetPacketTypesChangesTheRest(t *testing.T) {
	withTestbed(t, func(b *testbed) {
		p, near, _ := b.path(EDR3)
		arrived, arrivedAt := b.times()
		b.do(func() { p.Send(near, 1021+339+4, nil, arrived) })
		b.until(1)
		b.do(func() { p.SetPacketTypes(BasicRate) })
		b.until(100)
		b.want("arrived", *arrivedAt, 6+6+2)
		if u := p.Airtime(); u.Packets[ThreeDH5] != 1 || u.Packets[DH5] != 1 || u.Packets[DM1] != 1 {
			b.Errorf("use %+v", u)
		}
	})
}

func TestPathChangesKeepADecidedReturn(t *testing.T) {
	for what, change := range map[string]func(*Path){
		"types": func(p *Path) { p.SetPacketTypes(DM1) },
		"delay": func(p *Path) { p.SetDelay(50 * SlotTime) },
		"stall": func(p *Path) { p.Stall(); p.Resume() },
	} {
		withTestbed(t, func(b *testbed) {
			p, near, far := b.path(EDR3)
			arrived, arrivedAt := b.times()
			b.do(func() {
				p.Send(near, 1021, nil, nil)
				p.Send(far, 1021, nil, arrived)
			})
			b.until(5.5) // before a timer fires
			b.do(func() { change(p) })
			b.until(1000)
			b.want(what, *arrivedAt, 10)
		})
	}
}

func TestPathSetPacketTypesNoneStartsDelay(t *testing.T) {
	withTestbed(t, func(b *testbed) {
		p, hub, _ := b.path(EDR3)
		q := b.Connect(hub, b.NewStation())
		q.SetPacketTypes(EDR3)
		first, firstAt := b.times()
		rest, restAt := b.times()
		b.do(func() {
			p.SetDelay(20 * SlotTime)
			q.SetDelay(20 * SlotTime)
			p.Send(hub, 2*1021, nil, first) // half of it on the air
			q.Send(hub, 1021, nil, rest)    // waits
		})
		b.until(3)
		b.do(func() {
			p.SetPacketTypes(0)
			q.SetPacketTypes(0)
		})
		b.until(100)
		b.want("on the air", *firstAt, 6+20)
		b.want("waiting", *restAt, 3+20)
	})
}

func TestPathCloseStopsCallbacks(t *testing.T) {
	withTestbed(t, func(b *testbed) {
		p, near, far := b.path(EDR3)
		call, times := b.times()
		b.do(func() {
			p.SetDelay(5 * SlotTime)
			p.Send(near, 1021, nil, call) // will be delayed
			p.Send(near, 1021, call, call)
			p.Send(far, 1021, nil, call)
		})
		b.until(12)
		b.do(func() {
			p.Close()
			p.Close()
			p.Send(near, 9, call, call)
			p.SendLMP(far, call)
			p.Stall()
			p.Resume()
			p.SetPacketTypes(0)
			p.SetDelay(0)
		})
		b.until(100)
		b.want("called", *times)
	})
}

func TestPathCloseLeavesTheAirToOthers(t *testing.T) {
	withTestbed(t, func(b *testbed) {
		p, hub, _ := b.path(EDR3)
		q := b.Connect(hub, b.NewStation())
		q.SetPacketTypes(EDR3)
		arrived, arrivedAt := b.times()
		b.do(func() {
			p.Send(hub, 1021, nil, nil)
			p.Send(hub, 1021, nil, nil)
			q.Send(hub, 1021, nil, arrived)
			p.Close()
		})
		b.until(100)
		b.want("arrived", *arrivedAt, 6+6)
		if len(b.paths) != 1 {
			b.Errorf("%d paths are left", len(b.paths))
		}
	})
}

// A medium forgets closed paths. Otherwise each connection of a long test would
// slow down the simulation.
func TestPathCloseRemovesIdlePath(t *testing.T) {
	withTestbed(t, func(b *testbed) {
		p, near, _ := b.path(EDR3)
		b.do(func() { p.Send(near, 1021, nil, nil) })
		b.until(100)
		b.do(p.Close)
		if len(b.paths) != 0 {
			b.Errorf("%d paths are left", len(b.paths))
		}
	})
}

func TestPathCloseFromSentCallback(t *testing.T) {
	for _, types := range []PacketTypes{0, EDR3} {
		withTestbed(t, func(b *testbed) {
			p, near, _ := b.path(types)
			call, times := b.times()
			b.do(func() {
				p.Send(near, 9, p.Close, call)
				p.Send(near, 9, call, call)
			})
			b.until(100)
			b.want("called", *times)
		})
	}
}

func TestPathStallFromSentCallback(t *testing.T) {
	for types, at := range map[PacketTypes]float64{0: 20, EDR3: 20} {
		withTestbed(t, func(b *testbed) {
			p, near, _ := b.path(types)
			call, times := b.times()
			b.do(func() { p.Send(near, 9, p.Stall, call) })
			b.until(20)
			b.want("stalled", *times)
			b.do(p.Resume)
			b.until(100)
			b.want("resumed", *times, at)
		})
	}
}

func TestMediumCloseStopsCallbacks(t *testing.T) {
	withTestbed(t, func(b *testbed) {
		p, near, far := b.path(EDR3)
		q, a, _ := b.path(0)
		call, times := b.times()
		b.do(func() {
			p.Send(near, 9, call, call)
			q.SetDelay(SlotTime)
			q.Send(a, 9, nil, call)
			time.Sleep(5 * SlotTime) // the timer waits for the lock
			b.Close()
			b.Close()
			p.Send(far, 9, call, call)
			late := b.Connect(near, a)
			late.Send(a, 9, call, call)
			late.SendLMP(a, call)
		})
		b.until(100)
		b.want("called", *times)
	})
}

func TestMediumCloseFromCallback(t *testing.T) {
	for _, types := range []PacketTypes{0, EDR3} {
		withTestbed(t, func(b *testbed) {
			p, near, _ := b.path(types)
			call, times := b.times()
			b.do(func() {
				p.Send(near, 9, b.Close, call)
				p.Send(near, 9, call, call)
			})
			b.until(100)
			b.want("called", *times)
		})
	}
}

func TestPathSendFromCallbackDoesNotRecurse(t *testing.T) {
	withTestbed(t, func(b *testbed) {
		p, near, far := b.path(0)
		n, deepest := 0, 0
		var ping, pong func()
		count := func() (goOn bool) {
			var stack [100]uintptr
			deepest = max(deepest, runtime.Callers(0, stack[:]))
			n++
			return n < 1000
		}
		ping = func() {
			if count() {
				p.Send(near, 9, nil, pong)
			}
		}
		pong = func() {
			if count() {
				p.SendLMP(far, ping)
			}
		}
		b.do(func() {
			p.Send(near, 9, nil, pong)
			if n != 1000 {
				b.Errorf("%d when Send returned", n)
			}
		})
		if deepest >= 40 {
			b.Errorf("a stack of %d", deepest)
		}
	})
}

func TestPathSendFromCallbackKeepsOrder(t *testing.T) {
	withTestbed(t, func(b *testbed) {
		p, near, _ := b.path(0)
		var order []string
		note := func(s string) func() { return func() { order = append(order, s) } }
		b.do(func() {
			p.Send(near, 9, func() {
				p.Send(near, 9, note("2 sent"), note("2"))
				p.SendLMP(near, note("3"))
			}, note("1"))
			p.Send(near, 9, nil, note("4"))
		})
		b.wantOrder(order, "1", "2 sent", "2", "3", "4")
	})
}

func TestPathPanicsOnWrongStations(t *testing.T) {
	withTestbed(t, func(b *testbed) {
		p, near, _ := b.path(0)
		for what, f := range map[string]func(){
			"a path to itself":      func() { b.Connect(near, near) },
			"a station of another":  func() { b.Connect(near, NewMedium(b).NewStation()) },
			"not an end":            func() { p.Send(b.NewStation(), 9, nil, nil) },
			"not an end of control": func() { p.SendLMP(b.NewStation(), nil) },
		} {
			func() {
				defer func() {
					if recover() == nil {
						b.Errorf("%s: no panic", what)
					}
				}()
				f()
			}()
		}
	})
}
