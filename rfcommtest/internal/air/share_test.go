package air

import "testing"

func TestMediumSharesAStationEqually(t *testing.T) {
	withTestbed(t, func(b *testbed) {
		hub := b.NewStation()
		var counts [7]int
		b.do(func() {
			for i := range counts {
				leaf := b.NewStation()
				p := b.Connect(hub, leaf)
				p.SetPacketTypes(EDR3)
				from := hub
				if i%2 == 1 {
					from = leaf // the direction makes no difference
				}
				b.keepSending(p, from, 1021, &counts[i])
			}
		})
		b.until(7 * 6 * 10)
		for i, n := range counts {
			if n != 10 {
				b.Errorf("path %d: %d packets: %v", i, n, counts)
			}
		}
		if got := hub.Airtime().Slots; got != 7*6*10 {
			b.Errorf("the hub used %d slots", got)
		}
	})
}

func TestMediumSeparatePathsDoNotShare(t *testing.T) {
	withTestbed(t, func(b *testbed) {
		var counts [4]int
		for i := range counts {
			p, near, _ := b.path(EDR3)
			b.do(func() { b.keepSending(p, near, 1021, &counts[i]) })
		}
		b.until(60)
		for _, n := range counts {
			if n != 10 {
				b.Errorf("packets: %v", counts)
			}
		}
	})
}

func TestMediumServesNewPathNext(t *testing.T) {
	withTestbed(t, func(b *testbed) {
		p, hub, _ := b.path(EDR3)
		q := b.Connect(hub, b.NewStation())
		q.SetPacketTypes(EDR3)
		arrived, arrivedAt := b.times()
		n := 0
		b.do(func() { b.keepSending(p, hub, 1021, &n) })
		b.until(13)
		b.do(func() { q.Send(hub, 4, nil, arrived) })
		b.until(100)
		b.want("arrived", *arrivedAt, 18+2)
	})
}

func TestMediumChoosesAfterAllEventsOfATime(t *testing.T) {
	withTestbed(t, func(b *testbed) {
		p, a, _ := b.path(EDR3)
		q, c, _ := b.path(EDR3)
		between := b.Connect(a, c)
		between.SetPacketTypes(EDR3)
		arrived, arrivedAt := b.times()
		b.do(func() {
			p.Send(a, 1021, nil, nil)
			p.Send(a, 1021, nil, nil)
			q.Send(c, 1021, nil, func() { between.Send(a, 9, nil, arrived) })
		})
		b.until(100)
		b.want("arrived", *arrivedAt, 6+2)
	})
}

// Two stations whose exchanges with others overlap are never free at the same
// time unless one waits for the other.
func TestMediumBusyStationsMeet(t *testing.T) {
	withTestbed(t, func(b *testbed) {
		p, a, _ := b.path(EDR3)
		q, c, _ := b.path(EDR3)
		between := b.Connect(a, c)
		between.SetPacketTypes(EDR3)
		var left, middle, right int
		b.do(func() { b.keepSending(p, a, 1021, &left) })
		b.until(3)
		b.do(func() { b.keepSending(q, c, 1021, &right) })
		b.until(10)
		b.do(func() { b.keepSending(between, a, 1021, &middle) })
		b.until(1210)
		if middle < 60 || left < 60 || right < 60 {
			b.Errorf("packets %d, %d, %d", left, middle, right)
		}
	})
}

// A station that waits for its turn at a busy hub meanwhile serves another
// station.
func TestMediumWaitLeavesOtherStationFree(t *testing.T) {
	withTestbed(t, func(b *testbed) {
		hub, leaf := b.NewStation(), b.NewStation()
		var counts [7]int
		other := 0
		b.do(func() {
			for i := range counts {
				end := leaf
				if i > 0 {
					end = b.NewStation()
				}
				p := b.Connect(hub, end)
				p.SetPacketTypes(EDR3)
				b.keepSending(p, hub, 1021, &counts[i])
			}
			p := b.Connect(leaf, b.NewStation())
			p.SetPacketTypes(EDR3)
			b.keepSending(p, leaf, 1021, &other)
		})
		b.until(7 * 6 * 20)
		if other < 6*20*8/10 || counts[0] < 18 {
			b.Errorf("%d packets of the other path; of the hub %v", other, counts)
		}
	})
}

func TestAirtimeCountsEachExchangeOnce(t *testing.T) {
	withTestbed(t, func(b *testbed) {
		p, near, far := b.path(EDR3)
		b.do(func() {
			p.Send(near, 1025, nil, nil)
			p.Send(far, 100, nil, nil)
		})
		b.until(100)
		for what, u := range map[string]Airtime{"path": p.Airtime(), "near": near.Airtime(), "far": far.Airtime()} {
			if u.Slots != 5+3+1+1 || u.Bytes != 1125 || len(u.Packets) != 3 ||
				u.Packets[ThreeDH5] != 1 || u.Packets[DM1] != 1 || u.Packets[DM3] != 1 {
				b.Errorf("%s: %+v", what, u)
			}
			if u.Duration() != 10*SlotTime {
				b.Errorf("%s: %v", what, u.Duration())
			}
		}
	})
}
