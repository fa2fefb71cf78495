package air

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// A fragment is an ACL fragment in the reference model.
type fragment struct {
	at   time.Duration
	size int
	end  int // 0 or 1
	id   int
}

// reference computes the arrival times of fragments over one path, exchange by
// exchange, without using the package's scheduler.
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
		withTestbed(t, func(b *testbed) {
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

// Under random changes of the paths, the messages of a direction arrive in
// order and once; sent is called before arrived; stalled and closed paths call
// nothing; all messages arrive eventually; and no station transmits for longer
// than time has passed.
func TestPathKeepsOrderUnderRandomChanges(t *testing.T) {
	for seed := range uint64(100) {
		withTestbed(t, func(b *testbed) { changeAtRandom(b, rand.New(rand.NewPCG(seed, 1)), fmt.Sprintf("seed %d", seed)) })
	}
}

// A traffic records the messages of one direction of a path.
type traffic struct {
	path          *Path
	from          *Station
	data          []bool // of each message: data, or an LMP message
	sent, arrived []int
}

func changeAtRandom(b *testbed, random *rand.Rand, name string) {
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
	last := time.Duration(0) // the time of the last callback, or of an end without a callback
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
		b.do(func() { // callbacks use random too
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
		// Packets that closed paths have on the air, at most two, end without a
		// callback.
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
		if u := s.Airtime(); u.Duration() > last {
			b.Errorf("%s: %v on the air in %v", name, u.Duration(), last)
		}
		if s.busy {
			b.Errorf("%s: a station is busy for ever", name)
		}
	}
}
