package sdp

import (
	"bytes"
	"fmt"
)

// MaxRounds is the maximum number of rounds that a [Client] accepts in an answer
// without progress. Such a round carries fewer than 20 bytes of the answer, or
// repeats the round before. Other rounds are limited by [MaxSize] alone, since
// the number that an answer needs depends on its length and on the MTU: 100
// serial ports take about 250 rounds at the minimum MTU of 48.
//
// It does not matter whether the device repeats a continuation state. That is
// allowed, and Bumble's server always returns the same.
const MaxRounds = 64

// progress is the number of bytes that a round with progress carries at least.
// At the minimum MTU, 20 bytes of handles fit beside the header, the two counts,
// and the longest continuation state.
const progress = (minMTU - pduHeaderSize - 4 - 1 - maxContinuation) / 4 * 4

// An answer joins the parts of an answer, within the limits.
type answer struct {
	bytes        []byte
	continuation []byte // of the last part

	last  int // position of the last part
	empty int // number of rounds without progress
}

// add adds the next part, and reports whether it is the last. It copies the
// slices of the part.
func (a *answer) add(p part) (done bool, err error) {
	if len(p.bytes) < progress || a.repeats(p) {
		a.empty++
	}
	if len(a.bytes)+len(p.bytes) > MaxSize {
		return false, &ProtocolError{fmt.Errorf("answer: %w: more than %d bytes", ErrTooLarge, MaxSize)}
	}
	a.last = len(a.bytes)
	a.bytes = append(a.bytes, p.bytes...)
	a.continuation = append(a.continuation[:0], p.continuation...)
	if len(p.continuation) == 0 {
		return true, nil
	}
	if a.empty == MaxRounds {
		return false, &ProtocolError{fmt.Errorf("%w: %d without progress, %d bytes", ErrTooManyRounds, a.empty, len(a.bytes))}
	}
	return false, nil
}

// repeats reports whether p is the same as the part before.
func (a *answer) repeats(p part) bool {
	return bytes.Equal(p.bytes, a.bytes[a.last:]) && bytes.Equal(p.continuation, a.continuation)
}

// parseRecords returns the records in the answer to a search: a sequence of
// attribute lists. If some are malformed, it returns the others with the first
// error.
func parseRecords(answer []byte) (records []*Record, err error) {
	body, err := parseLists(answer)
	for len(body) > 0 {
		list, rest, listErr := ParseDataElement(body)
		if listErr == nil {
			var r *Record
			if r, listErr = recordOf(list); listErr == nil {
				records = append(records, r)
			}
		} else if rest = skipElement(body); rest == nil {
			return records, firstError(err, listErr)
		}
		err = firstError(err, listErr)
		body = rest
	}
	return records, err
}

// parseLists returns the content of the outer sequence. If its length is wrong,
// parseLists returns the bytes that are there with an error.
func parseLists(answer []byte) (body []byte, err error) {
	header, size, ok := parseHeader(answer)
	if !ok || Type(answer[0]>>3) != TypeSequence {
		return nil, fmt.Errorf("sdp: %w: an answer of %d bytes that is not a sequence of records", ErrMalformed, len(answer))
	}
	body = answer[header:]
	if size != uint64(len(body)) {
		err = fmt.Errorf("sdp: %w: a sequence of %d bytes in an answer with %d", ErrMalformed, size, len(body))
		body = body[:min(size, uint64(len(body)))]
	}
	return body, err
}

// skipElement returns the bytes after a malformed element, or nil if its end is
// not known.
func skipElement(b []byte) (rest []byte) {
	header, size, ok := parseHeader(b)
	if !ok || size > uint64(len(b)-header) {
		return nil
	}
	return b[header+int(size):]
}

func firstError(first, second error) error {
	if first != nil {
		return first
	}
	return second
}
