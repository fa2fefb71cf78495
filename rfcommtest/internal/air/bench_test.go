package air

import (
	"sync"
	"testing"
)

func BenchmarkPathSend(b *testing.B) {
	m := NewMedium(new(sync.Mutex))
	near, far := m.NewStation(), m.NewStation()
	p := m.Connect(near, far)
	n := 0
	count := func() { n++ }
	b.ReportAllocs()
	for b.Loop() {
		p.Send(near, 1021, count, count)
	}
}

// Every other message is sent from a callback and queued until the callback
// ends.
func BenchmarkPathSendFromCallback(b *testing.B) {
	m := NewMedium(new(sync.Mutex))
	near, far := m.NewStation(), m.NewStation()
	p := m.Connect(near, far)
	n := 0
	count := func() { n++ }
	answer := func() { p.Send(far, 9, nil, count) }
	b.ReportAllocs()
	for b.Loop() {
		p.Send(near, 1021, count, answer)
	}
}

// BenchmarkExchange measures the simulation of one exchange without the wait:
// all paths between eight stations are simulated late.
func BenchmarkExchange(b *testing.B) {
	m := NewMedium(new(sync.Mutex))
	var stations []*Station
	for range 8 {
		stations = append(stations, m.NewStation())
	}
	n := 0
	for i, x := range stations {
		for _, y := range stations[:i] {
			p := m.Connect(x, y)
			p.SetPacketTypes(EDR3)
			p.Send(x, 1<<30, nil, nil)
		}
	}
	m.timer.Stop()
	b.ReportAllocs()
	for b.Loop() {
		e := m.next()
		if e.at > m.at {
			m.start()
			e = m.next()
		}
		m.at = max(m.at, e.at)
		if e.calls {
			n++
		}
		m.process(e)
		m.drainForBenchmark()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/exchange")
}

func (m *Medium) drainForBenchmark() {
	for !m.toDrain.empty() {
		dir := m.toDrain.pop()
		dir.drainQueued = false
		dir.drain()
	}
}
