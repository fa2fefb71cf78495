package air

import (
	"testing"
	"time"
)

func TestPathSendTakesSlotsOfItsPackets(t *testing.T) {
	for _, c := range []struct {
		types PacketTypes
		size  int
		slots float64
	}{
		{EDR3, 1021, 5 + 1},
		{EDR3, 1025, 5 + 1 + 1 + 1}, // 1021 and 4
		{EDR3, 9, 1 + 1},
		{EDR3, 0, 1 + 1},
		{EDR2, 679, 5 + 1},
		{BasicRate, 1021, 3*(5+1) + 1 + 1}, // 3 * 339 and 4
		{DM1, 18, 2 * (1 + 1)},             // 17 and 1
	} {
		withTestbed(t, func(b *testbed) {
			p, near, _ := b.path(c.types)
			sent, sentAt := b.times()
			arrived, arrivedAt := b.times()
			b.do(func() { p.Send(near, c.size, sent, arrived) })
			b.until(100)
			b.want("sent", *sentAt, c.slots)
			b.want("arrived", *arrivedAt, c.slots)
		})
	}
}

func TestPathSendLeavesNoGaps(t *testing.T) {
	withTestbed(t, func(b *testbed) {
		p, near, _ := b.path(EDR3)
		arrived, arrivedAt := b.times()
		b.do(func() {
			for range 3 {
				p.Send(near, 1021, nil, nil)
				p.Send(near, 4, nil, arrived)
			}
		})
		b.until(100)
		b.want("arrived", *arrivedAt, 8, 16, 24)
	})
}

func TestPathSendTakesNoTimeByDefault(t *testing.T) {
	withTestbed(t, func(b *testbed) {
		p, near, far := b.path(0)
		sent, sentAt := b.times()
		arrived, arrivedAt := b.times()
		b.do(func() {
			p.Send(near, 5000, sent, arrived)
			p.SendLMP(far, arrived)
			if len(*sentAt) != 1 || len(*arrivedAt) != 2 {
				b.Error("not before Send returned")
			}
		})
		b.want("arrived", *arrivedAt, 0, 0)
		if u := p.Airtime(); u.Slots != 0 || u.Bytes != 0 || len(u.Packets) != 0 {
			b.Errorf("use %+v", u)
		}
	})
}

func TestExchangeReturnCarriesWaitingData(t *testing.T) {
	withTestbed(t, func(b *testbed) {
		p, near, far := b.path(EDR3)
		there, thereAt := b.times()
		back, backAt := b.times()
		b.do(func() {
			for range 3 {
				p.Send(near, 1021, nil, there)
			}
		})
		b.until(5) // the last moment
		b.do(func() { p.Send(far, 9, nil, back) })
		b.until(11.5) // too late for the second return, in time for the third
		b.do(func() { p.Send(far, 9, nil, back) })
		b.until(100)
		b.want("there", *thereAt, 6, 12, 18)
		b.want("back", *backAt, 6, 18)
	})
}

func TestExchangeIsSharedByBusyEnds(t *testing.T) {
	withTestbed(t, func(b *testbed) {
		p, near, far := b.path(EDR3)
		there, thereAt := b.times()
		back, backAt := b.times()
		b.do(func() {
			for range 3 {
				p.Send(near, 1021, nil, there)
				p.Send(far, 1021, nil, back)
			}
		})
		b.until(100)
		b.want("there", *thereAt, 10, 20, 30)
		b.want("back", *backAt, 10, 20, 30)
	})
}

func TestExchangeAlternatesBetweenEnds(t *testing.T) {
	withTestbed(t, func(b *testbed) {
		p, near, far := b.path(EDR3)
		var order []string
		note := func(s string) func() { return func() { order = append(order, s) } }
		b.do(func() {
			for range 3 {
				p.Send(near, 1021, nil, note("near"))
				p.Send(far, 1021, nil, note("far"))
			}
		})
		b.until(100)
		b.wantOrder(order, "near", "far", "far", "near", "near", "far")
	})
}

func TestExchangeReturnCarriesNextAnswer(t *testing.T) {
	withTestbed(t, func(b *testbed) {
		p, near, far := b.path(EDR3)
		credit, creditAt := b.times()
		b.do(func() {
			p.Send(near, 1021, nil, func() { p.Send(far, 9, nil, credit) })
			p.Send(near, 1021, nil, nil)
		})
		b.until(100)
		b.want("credit", *creditAt, 12)
		if got := p.Airtime().Slots; got != 12 {
			b.Errorf("%d slots", got)
		}
	})
}

func TestPathSendLMPKeepsOrderTakesNoAir(t *testing.T) {
	withTestbed(t, func(b *testbed) {
		p, near, _ := b.path(EDR3)
		data, dataAt := b.times()
		control, controlAt := b.times()
		b.do(func() {
			p.SendLMP(near, control)
			p.Send(near, 1021, nil, data)
			p.SendLMP(near, control)
			p.Send(near, 1021, nil, data)
			p.SendLMP(near, control)
			p.SendLMP(near, control)
		})
		b.until(100)
		b.want("data", *dataAt, 6, 12)
		b.want("control", *controlAt, 0, 6, 12, 12)
	})
}

func TestMediumLateTimerCatchesUp(t *testing.T) {
	withTestbed(t, func(b *testbed) {
		p, near, _ := b.path(EDR3)
		arrived, arrivedAt := b.times()
		b.do(func() {
			for range 10 {
				p.Send(near, 1021, nil, arrived)
			}
			time.Sleep(45 * SlotTime) // the timer cannot get the lock
		})
		b.until(100)
		b.want("arrived", *arrivedAt, 45, 45, 45, 45, 45, 45, 45, 48, 54, 60)
	})
}

func TestMediumLateCallbackSendsAtItsTime(t *testing.T) {
	withTestbed(t, func(b *testbed) {
		p, near, _ := b.path(EDR3)
		second, secondAt := b.times()
		b.do(func() {
			p.Send(near, 1021, nil, func() { p.Send(near, 1021, nil, second) })
			time.Sleep(10 * SlotTime)
		})
		b.until(100)
		b.want("second", *secondAt, 10+6) // not 12: the air was idle
	})
}

func TestMediumLateTimerKeepsLaterSendTimes(t *testing.T) {
	withTestbed(t, func(b *testbed) {
		p, near, _ := b.path(EDR3)
		other, a, _ := b.path(EDR3)
		arrived, arrivedAt := b.times()
		elsewhere, elsewhereAt := b.times()
		b.do(func() {
			p.Send(near, 1021, nil, arrived)
			time.Sleep(8 * SlotTime)
			p.Send(near, 1021, nil, arrived)
			other.Send(a, 1021, nil, elsewhere)
			if len(*arrivedAt) != 0 {
				b.Error("Send called for another message")
			}
			time.Sleep(1 * SlotTime)
		})
		b.until(100)
		b.want("arrived", *arrivedAt, 9, 8+6)
		b.want("elsewhere", *elsewhereAt, 8+6)
	})
}
