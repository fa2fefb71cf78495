package radio

// A Inquiry is a station's inquiry for others.
type Inquiry struct {
	from  *Station
	found func(other Receiver) bool
	known map[*Station]bool
}

// Inquire looks for other stations that answer inquiries, those included that begin to
// later. It calls found once for each, until that returns false or the search ends.
func (s *Station) Inquire(found func(other Receiver) bool) *Inquiry {
	search := &Inquiry{from: s, found: found, known: make(map[*Station]bool)}
	s.radio.inquiries[search] = struct{}{}
	search.find()
	return search
}

// End ends the search.
func (s *Inquiry) End() { delete(s.from.radio.inquiries, s) }

// find finds who can be heard now.
func (s *Inquiry) find() {
	for _, other := range s.from.radio.stations {
		if _, goesOn := s.from.radio.inquiries[s]; !goesOn {
			return
		}
		if other == s.from || s.known[other] || !other.inquiryScan || !s.from.canReach(other) {
			continue
		}
		s.known[other] = true
		if !s.found(other.receiver) {
			s.End()
		}
	}
}
