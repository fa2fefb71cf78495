package air

// A Station is the transceiver of one controller. It takes part in one exchange
// at a time.
type Station struct {
	medium *Medium
	busy   bool // in an exchange
	counter

	// The numbers of the rounds in which a path has seen or claimed the
	// station; see Medium.start.
	seen, claimed int
}

// NewStation returns a station without paths.
func (m *Medium) NewStation() *Station { return &Station{medium: m} }

// Airtime returns the traffic on all paths of the station, sent by the station
// and by the other ends.
func (s *Station) Airtime() Airtime { return s.airtime() }
