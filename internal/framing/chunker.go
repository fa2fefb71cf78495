package framing

import "slices"

// maxChunk is the maximum length of a chunk. The kernel copies a whole chunk
// into frames before it sends the first frame (rfcomm_sock_sendmsg), so short
// chunks reach the air sooner and shorten the wait of a Close.
const maxChunk = 32 << 10

// The minimum and maximum MTU of an RFCOMM connection. Linux offers and accepts
// at most the longest packet less a header of 5 bytes (l2cap_mtu_auto,
// rfcomm_apply_pn).
const (
	minMTU = 23
	maxMTU = 1016
)

// minACLLength is the least ACL length that a controller may have.
const minACLLength = 27

// enough is the number of times that the send buffer must have been full before
// the Chunker estimates the MTU. A single count is often also divisible by a
// multiple or a neighbor of the MTU.
const enough = 3

// A Chunker chooses the length of each write(2) so that the frames that the
// kernel makes of the chunk fill the packets that carry them.
//
// The kernel cuts each chunk into frames of the connection's MTU and a shorter
// last frame (bt_skb_sendmmsg). That is rarely the best division: a frame of
// 1016 bytes, the MTU between two Linux machines, is 4 bytes longer than the
// longest packet. A chunk that is not longer than the MTU is a frame of its
// own, so the Chunker can choose the length of the frame.
//
// No socket option reports the MTU. But when the send buffer has no room for a
// whole chunk, the kernel takes whole frames (sock_alloc_send_skb), so the MTU
// divides every such count. The Chunker takes the largest common divisor within
// the limits as the MTU. If the MTU is smaller, chunks are longer than a frame,
// and later counts correct the estimate. A stream that never fills the send
// buffer is not limited by the air. Until the buffer has been full often
// enough, or without an Air, a chunk is as long as the Write, up to maxChunk.
//
// The packets that the peer and the radio conditions allow are not visible. The
// Chunker assumes the fastest packets of the adapter.
type Chunker struct {
	mtu    int        // 0 if not known
	ask    func() Air // returns air; nil after the call
	air    Air
	common int // the greatest common divisor of the counts; 0 if there is no count
	fulls  int // the number of times that the send buffer was full

	// For this MTU, by pairs of slots:
	frames []int // the most data of one frame that takes that many pairs; 0 if no frame does
	most   []int // the most data of any number of frames
	first  []int // the pairs of slots of the first of those frames
	best   int   // the pairs of slots of the frame with the most data per slot
}

// NewChunker returns a Chunker for a new connection. The Chunker calls air
// once, when the send buffer has been full often enough to estimate the MTU.
// Most connections never fill it.
func NewChunker(air func() Air) *Chunker { return &Chunker{ask: air} }

// Next returns the length of the next chunk of a Write of which rest bytes are
// left. first reports whether nothing of that Write has been written.
//
// A Write that fits one frame is not cut, even if two frames took fewer slots:
// some devices treat a frame as a message.
func (c *Chunker) Next(rest int, first bool) int {
	switch {
	case c.mtu == 0:
		return min(rest, maxChunk)
	case first && rest <= c.mtu:
		return rest
	}
	return c.planned(rest)
}

// planned returns the length of the next chunk according to the plan.
func (c *Chunker) planned(rest int) int {
	if over := rest - c.most[len(c.most)-1]; over > 0 {
		chunk := c.frames[c.best]
		if chunk == c.mtu { // the kernel cuts a longer chunk in the same way
			chunk *= min((over+chunk-1)/chunk, maxChunk/chunk)
		}
		return chunk
	}
	pairs, _ := slices.BinarySearch(c.most, rest)
	if rest/c.mtu*c.air.frame(c.mtu)+c.air.frame(rest%c.mtu) <= pairs {
		return rest
	}
	return c.frames[c.first[pairs]]
}

// Partial records that the kernel took only the first n bytes of a chunk.
func (c *Chunker) Partial(n int) {
	for n > 0 {
		c.common, n = n, c.common%n
	}
	if c.fulls >= enough {
		c.learn()
	}
}

// Full records that the send buffer was full: the kernel took nothing of a
// chunk.
func (c *Chunker) Full() {
	if c.fulls++; c.fulls == enough {
		c.learn()
	}
}

// SetMTU makes the plan for an MTU that is known. It ignores one that Linux does
// not use.
func (c *Chunker) SetMTU(mtu int) {
	if mtu < minMTU || mtu > maxMTU {
		return
	}
	c.common, c.fulls = mtu, enough
	c.learn()
}

// learn makes the plan for the largest MTU that divides all counts.
func (c *Chunker) learn() {
	if c.ask != nil { // not earlier: most connections never fill their buffer
		c.air, c.ask = c.ask(), nil
	}
	if c.air.ACLLength < minACLLength {
		return
	}
	for mtu := maxMTU; mtu >= minMTU; mtu-- {
		if c.common%mtu == 0 {
			if mtu != c.mtu {
				c.plan(mtu)
			}
			return
		}
	}
	*c = Chunker{} // the counts are not those of RFCOMM
}

// plan computes the division that takes the fewest slots, for any number of
// bytes.
func (c *Chunker) plan(mtu int) {
	c.mtu = mtu
	longest := c.air.frame(mtu)
	c.frames = make([]int, longest+1)
	for data := 1; data <= mtu; data++ {
		c.frames[c.air.frame(data)] = data // longer frames never take less
	}
	c.best = longest
	for pairs := longest; pairs > 0; pairs-- {
		if c.frames[pairs]*c.best > c.frames[c.best]*pairs {
			c.best = pairs
		}
	}
	// Beyond this number of pairs, a best frame is part of a best division:
	// among any c.best other frames, some together take a multiple of its time.
	limit := c.best * longest
	c.most, c.first = make([]int, limit+1), make([]int, limit+1)
	for pairs := 1; pairs <= limit; pairs++ {
		for first := min(pairs, longest); first > 0; first-- {
			if data := c.frames[first] + c.most[pairs-first]; data > c.most[pairs] {
				c.most[pairs], c.first[pairs] = data, first
			}
		}
	}
}
