package btsocket

import "slices"

// maxPiece bounds one write(2). The kernel copies a whole piece into frames
// before it sends the first of them (rfcomm_sock_sendmsg), so a small one gets
// data on the air sooner, and a Close waits less.
const maxPiece = 32 << 10

// The least and the most that a frame of RFCOMM may have to hold. The most is
// what Linux offers and accepts: the longest packet less a header of 5 bytes
// (l2cap_mtu_auto, rfcomm_apply_pn).
const (
	minMTU = 23
	maxMTU = 1016
)

// minACLLength is the least that a controller may take at once.
const minACLLength = 27

// enough is how often the send buffer has to be full before the MTU is judged:
// by one count alone a multiple or a neighbour of it would often do as well.
const enough = 3

// A cutter chooses the length of the piece for the next write(2), so that the
// frames that the kernel makes of it fill the packets that carry them.
//
// The kernel cuts each piece into frames of the connection's MTU, the last one
// shorter (bt_skb_sendmmsg). That is rarely the best: a frame of 1016 bytes, as
// between two Linux machines, is 4 bytes longer than the longest packet. A piece
// no longer than the MTU is a frame of its own, of a length to choose.
//
// No option shows the MTU. But where the send buffer has no room for all of a
// piece, the kernel takes whole frames (sock_alloc_send_skb), so the MTU divides
// every such count. The cutter takes it for the largest number that does. If it
// is smaller in truth, pieces are longer than a frame, and counts come that
// correct it. A stream that never fills the send buffer is not slowed down by
// the air; until then, or without an Air, the kernel gets all there is.
//
// Which packets the peer and the radio's conditions allow is not visible. The
// cutter goes by the adapter's fastest.
type cutter struct {
	mtu    int        // 0: not known
	ask    func() Air // what tells air; nil once it has
	air    Air
	common int // the greatest common divisor of the counts; 0: there is none yet
	fulls  int // how often the send buffer was full

	// For this MTU, by pairs of slots:
	frames []int // the most data of one frame that takes so many; 0: none does
	most   []int // the most data of any number of frames
	first  []int // the pairs of slots of the first of those frames
	best   int   // those of the frame with the most data per slot
}

// next returns the length of the piece to write when rest bytes of a Write are
// left. If nothing of the Write is written yet, first is set.
func (c *cutter) next(rest int, first bool) int {
	if c.mtu == 0 { // apart from planned so that it is inlined
		return min(rest, maxPiece)
	}
	return c.planned(rest, first)
}

// planned is next when there is a plan.
//
// A Write that fits one frame is not cut, even if two frames took fewer slots:
// there are devices that treat a frame as a message.
func (c *cutter) planned(rest int, first bool) int {
	if first && rest <= c.mtu {
		return rest
	}
	if over := rest - c.most[len(c.most)-1]; over > 0 {
		piece := c.frames[c.best]
		if piece == c.mtu { // the kernel cuts the same
			piece *= min((over+piece-1)/piece, maxPiece/piece)
		}
		return piece
	}
	pairs, _ := slices.BinarySearch(c.most, rest)
	if rest/c.mtu*c.air.frame(c.mtu)+c.air.frame(rest%c.mtu) <= pairs {
		return rest
	}
	return c.frames[c.first[pairs]]
}

// tookPart is told of a piece of which the kernel took only the first n bytes.
func (c *cutter) tookPart(n int) {
	for n > 0 {
		c.common, n = n, c.common%n
	}
	if c.fulls >= enough {
		c.learn()
	}
}

// full is told of a piece of which the kernel took nothing.
func (c *cutter) full() {
	if c.fulls++; c.fulls == enough {
		c.learn()
	}
}

// learn makes the plan for the largest MTU that divides all counts.
func (c *cutter) learn() {
	if c.ask != nil { // not before: most connections never fill their buffer
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
	*c = cutter{} // not RFCOMM
}

// plan works out how to send any number of bytes in as few slots as possible.
func (c *cutter) plan(mtu int) {
	c.mtu = mtu
	longest := c.air.frame(mtu)
	c.frames = make([]int, longest+1)
	for data := 1; data <= mtu; data++ {
		c.frames[c.air.frame(data)] = data // longer ones never take less
	}
	c.best = longest
	for pairs := longest; pairs > 0; pairs-- {
		if c.frames[pairs]*c.best > c.frames[c.best]*pairs {
			c.best = pairs
		}
	}
	// Of more than that many pairs some are best spent on the best frame: among
	// any c.best others there are some that take a multiple of its time.
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
