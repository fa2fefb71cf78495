package sdppeer

// An Answer returns the packets with which a device answers a request, as in
// Peer.
type Answer func(r Request) [][]byte

// With returns an Answer with records, in responses of at most size bytes.
func With(size int, records ...[]byte) Answer {
	answer := Records(records...)
	return func(r Request) [][]byte { return [][]byte{Respond(r, answer, size)} }
}

// Only returns the Answer of a device that knows one pattern.
func Only(pattern string, known, otherwise Answer) Answer {
	return func(r Request) [][]byte {
		if r.Pattern == pattern {
			return known(r)
		}
		return otherwise(r)
	}
}

// Silent is the Answer of a device that does not answer.
func Silent(Request) [][]byte { return nil }

// HangsUp is the Answer of a device that closes the channel.
func HangsUp(Request) [][]byte { return [][]byte{nil} }

// ThenHangsUp returns the Answer of a device that closes the channel after each
// answer.
func ThenHangsUp(answer Answer) Answer {
	return func(r Request) [][]byte { return append(answer(r), nil) }
}

// FindsNothing is the Answer of a device that has no such record.
func FindsNothing(r Request) [][]byte { return [][]byte{RespondPart(r, []byte{0x35, 0}, nil)} }

// Refuses is the Answer of a device that takes the request for malformed.
func Refuses(r Request) [][]byte { return [][]byte{Refuse(r, 3)} }

// RepeatsItself returns the Answer of a device that never ends its answer.
func RepeatsItself(r Request) [][]byte {
	return [][]byte{RespondPart(r, []byte{0x35, 0}, []byte{1, 2})}
}

// AnswersAnother returns the Answer of a device that sends another transaction
// id than that of the request.
func AnswersAnother(answer Answer) Answer {
	return func(r Request) [][]byte {
		r.Transaction += 7
		return answer(r)
	}
}
