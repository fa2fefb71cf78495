package air

// A Station is the transceiver of one controller. It takes part in one
// exchange at a time.
type Station struct {
	medium *Medium
	busy   bool // in an exchange
	counter

	// Marks of the round of choices that has this number; see Medium.start.
	seen, claimed int
}

// NewStation returns a station that has no path yet.
func (m *Medium) NewStation() *Station { return &Station{medium: m} }

// Airtime returns what was transmitted on all paths of the station, by it and by
// the other ends.
func (s *Station) Airtime() Duration { return s.airtime() }
