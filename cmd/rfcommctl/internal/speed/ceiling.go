package speed

import "time"

// slot is the unit of time on the air.
const slot = 625 * time.Microsecond

// A Ceiling is the payload that packets carry at most, in an ideal radio.
type Ceiling struct {
	Packets string  // such as 3-DH5
	OneWay  float64 // bits per second; a packet takes 5 slots, and its answer 1
	Both    float64 // bits per second, the sum of both directions; 5 slots each
}

// packetNames are the names of the longest packets of the rates.
var packetNames = map[int]string{1021: "3-DH5", 679: "2-DH5", 339: "DH5"}

// CeilingOf returns the ceiling of the longest packets that two adapters have in
// common, given their lengths, of which one may be 0. It reports false if none is
// known.
func CeilingOf(near, far int) (Ceiling, bool) {
	packet := min(near, far)
	if packet == 0 {
		packet = max(near, far)
	}
	name, ok := packetNames[packet]
	bits := float64(packet) * 8
	return Ceiling{name, bits / (6 * slot).Seconds(), 2 * bits / (10 * slot).Seconds()}, ok
}
