package radio

// An Inquiry is a station's inquiry for other stations.
type Inquiry struct {
	from  *Station
	found func(other Receiver) bool
	known map[*Station]bool
}

// Inquire searches for stations that answer inquiries, now or until the inquiry
// ends. It calls found once for each, until found returns false or the inquiry
// ends.
func (s *Station) Inquire(found func(other Receiver) bool) *Inquiry {
	inquiry := &Inquiry{from: s, found: found, known: make(map[*Station]bool)}
	s.radio.inquiries[inquiry] = struct{}{}
	inquiry.find()
	return inquiry
}

// End ends the inquiry.
func (s *Inquiry) End() { delete(s.from.radio.inquiries, s) }

// find reports the stations that can be heard now.
func (s *Inquiry) find() {
	for _, other := range s.from.radio.stations {
		if _, running := s.from.radio.inquiries[s]; !running {
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
