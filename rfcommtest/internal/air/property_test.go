package air

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// A fragment of the reference model.
type fragment struct {
	at   time.Duration
	size int
	end  int // 0 or 1
	id   int
}

// reference works out when fragments arrive over one path, without any of the
// machinery: exchange by exchange.
func reference(types PacketTypes, fragments []fragment) (arrived map[int]time.Duration) {
	var queues [2][][2]int // bytes left, index
	for i, f := range fragments {
		queues[f.end] = append(queues[f.end], [2]int{f.size, i})
	}
	arrived = make(map[int]time.Duration)
	at := func(end int) time.Duration { return fragments[queues[end][0][1]].at }
	carry := func(end int) (slots int, deliver func(time.Duration)) {
		packet := types.next(queues[end][0][0])
		return packet.Slots, func(now time.Duration) {
			first := &queues[end][0]
			if first[0] -= packet.Payload; first[0] <= 0 {
				arrived[fragments[first[1]].id] = now
				queues[end] = queues[end][1:]
			}
		}
	}
	for now, last := time.Duration(0), 1; len(queues[0])+len(queues[1]) > 0; {
		end := 1 - last
		switch {
		case len(queues[0]) == 0:
			end = 1
		case len(queues[1]) == 0:
			end = 0
		case at(0) != at(1):
			end = 0
			if at(1) < at(0) {
				end = 1
			}
		}
		last = end
		now = max(now, at(end))
		slots, deliver := carry(end)
		now += time.Duration(slots) * SlotTime
		if len(queues[1-end]) > 0 && at(1-end) <= now {
			slots, deliverReturn := carry(1 - end)
			now += time.Duration(slots) * SlotTime
			deliverReturn(now)
		} else {
			now += SlotTime
		}
		deliver(now)
	}
	return arrived
}

func TestPathAgreesWithReferenceModel(t *testing.T) {
	for seed := range uint64(100) {
		random := rand.New(rand.NewPCG(seed, 0))
		types := PacketTypes(1 + random.IntN(int(EDR3)))
		var fragments []fragment
		now := time.Duration(0)
		for id := range 50 {
			if random.IntN(3) == 0 {
				now += time.Duration(random.IntN(int(40 * SlotTime)))
			}
			fragments = append(fragments, fragment{now, random.IntN(1100), random.IntN(2), id})
		}
		want := reference(types, fragments)
		withFixture(t, func(b *fixture) {
			p, near, far := b.path(types)
			got := make(map[int]time.Duration)
			for _, f := range fragments {
				time.Sleep(f.at - time.Since(b.epoch))
				b.do(func() {
					p.Send([]*Station{near, far}[f.end], f.size, nil, func() { got[f.id] = time.Since(b.epoch) })
				})
			}
			b.until(10_000)
			for id := range fragments {
				if got[id] != want[id] {
					b.Fatalf("seed %d, types %v: fragment %d arrived at %v, want %v", seed, types, id, got[id], want[id])
				}
			}
		})
	}
}

// Whatever is done to the paths: messages of a direction come in order, each
// once, sent before arrived, none of a stalled or closed path; all come in
// the end; and no station transmits for longer than there was time.
func TestPathKeepsOrderUnderRandomChanges(t *testing.T) {
	for seed := range uint64(100) {
		withFixture(t, func(b *fixture) { changeAtRandom(b, rand.New(rand.NewPCG(seed, 1)), fmt.Sprintf("seed %d", seed)) })
	}
}

// A traffic is a direction of a path and what was noted of it.
type traffic struct {
	path          *Path
	from          *Station
	data          []bool // of each message, or control
	sent, arrived []int
}

func changeAtRandom(b *fixture, random *rand.Rand, name string) {
	var stations []*Station
	for range 2 + random.IntN(4) {
		stations = append(stations, b.NewStation())
	}
	var lines []*traffic
	for i, x := range stations {
		for _, y := range stations[:i] {
			p := b.Connect(x, y)
			lines = append(lines, &traffic{path: p, from: x}, &traffic{path: p, from: y})
		}
	}
	last := time.Duration(0) // when something was called, or could end without a call
	var send func(l *traffic, answers int)
	send = func(l *traffic, answers int) {
		id := len(l.data)
		open := !l.path.closed
		check := func(what string) {
			last = time.Since(b.epoch)
			if l.path.stalled || l.path.closed {
				b.Errorf("%s: %s on a stalled or closed path", name, what)
			}
		}
		arrived := func() {
			check("arrived")
			if l.data[id] && (len(l.sent) == 0 || !slices.Contains(l.sent, id)) {
				b.Errorf("%s: arrived before sent", name)
			}
			l.arrived = append(l.arrived, id)
			if answers > 0 {
				send(lines[random.IntN(len(lines))], answers-1)
			}
		}
		data := random.IntN(4) > 0
		if open {
			l.data = append(l.data, data)
		}
		if !data {
			l.path.SendLMP(l.from, arrived)
			return
		}
		l.path.Send(l.from, random.IntN(1500), func() { check("sent"); l.sent = append(l.sent, id) }, arrived)
	}
	types := []PacketTypes{0, 0, DM1, BasicRate, EDR2, EDR3}
	for range 200 {
		wait := time.Duration(0)
		b.do(func() { // callbacks use random, too
			if random.IntN(3) == 0 {
				wait = time.Duration(random.IntN(int(10 * SlotTime)))
			}
		})
		time.Sleep(wait)
		b.do(func() {
			if random.IntN(10) == 0 { // the timer is late
				time.Sleep(time.Duration(random.IntN(int(20 * SlotTime))))
			}
			l := lines[random.IntN(len(lines))]
			switch random.IntN(16) {
			case 0, 1:
				l.path.SetPacketTypes(types[random.IntN(len(types))])
			case 2:
				l.path.SetDelay(time.Duration(random.IntN(int(10 * SlotTime))))
			case 3:
				l.path.SetDelay(0)
			case 4:
				l.path.Stall()
			case 5, 6:
				l.path.Resume()
			case 7:
				if random.IntN(20) == 0 {
					l.path.Close()
				}
			default:
				send(l, 3)
			}
		})
	}
	b.do(func() {
		for _, l := range lines {
			l.path.Resume()
		}
		// What closed paths have on the air ends without a call: two packets at most.
		last = time.Since(b.epoch) + 10*SlotTime
	})
	b.until(1_000_000)
	for _, l := range lines {
		if !slices.IsSorted(l.arrived) || len(slices.Compact(l.arrived)) != len(l.arrived) {
			b.Errorf("%s: arrived %v", name, l.arrived)
		}
		if !l.path.closed && len(l.arrived) != len(l.data) {
			b.Errorf("%s: %d of %d arrived", name, len(l.arrived), len(l.data))
		}
	}
	for _, s := range stations {
		if u := s.Airtime(); u.Airtime() > last {
			b.Errorf("%s: %v on the air in %v", name, u.Airtime(), last)
		}
		if s.busy {
			b.Errorf("%s: a station is busy for ever", name)
		}
	}
}
