package sdp

import "strings"

// Name returns the name of the service in the primary language of the record.
func (r *Record) Name() string { return r.text(0) }

// Description returns the description of the service.
func (r *Record) Description() string { return r.text(1) }

// Provider returns the name of the provider of the service.
func (r *Record) Provider() string { return r.text(2) }

func (r *Record) text(offset AttributeID) string {
	e, _ := r.Get(AttributeServiceName + offset)
	s, _ := e.Text()
	return strings.ToValidUTF8(strings.TrimRight(s, "\x00"), "\ufffd")
}
