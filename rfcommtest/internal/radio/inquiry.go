package radio

// A Search is a station's inquiry for others.
type Search struct {
	from  *Station
	found func(other Receiver) bool
	known map[*Station]bool
}

// Search looks for other stations that answer inquiries, those included that begin to
// later. It calls found once for each, until that returns false or the search ends.
func (s *Station) Search(found func(other Receiver) bool) *Search {
	search := &Search{from: s, found: found, known: make(map[*Station]bool)}
	s.radio.searches[search] = struct{}{}
	search.look()
	return search
}

// End ends the search.
func (s *Search) End() { delete(s.from.radio.searches, s) }

// look finds who can be heard now.
func (s *Search) look() {
	for _, other := range s.from.radio.stations {
		if _, goesOn := s.from.radio.searches[s]; !goesOn {
			return
		}
		if other == s.from || s.known[other] || !other.inquiryScan || !s.from.hears(other) {
			continue
		}
		s.known[other] = true
		if !s.found(other.receiver) {
			s.End()
		}
	}
}
