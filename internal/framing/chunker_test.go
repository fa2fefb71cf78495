package framing

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
)

// A setting is a combination of packets, ACL length and MTU for which a Chunker
// must do well.
type setting struct {
	packets string
	air     Air
	mtu     int
}

func (s setting) String() string {
	return fmt.Sprintf("packets=%s/acl=%d/mtu=%d", s.packets, s.air.ACLLength, s.mtu)
}

var rates = []struct {
	name    string
	packets [3]int
}{
	{"3-DH5", [3]int{83, 552, 1021}},
	{"2-DH5", [3]int{54, 367, 679}},
	{"DH5", [3]int{27, 183, 339}},
}

func settings() (all []setting) {
	for _, rate := range rates {
		for _, acl := range []int{1021, 679, 310} {
			for _, mtu := range []int{1016, 990, 672, 330, 127} {
				all = append(all, setting{rate.name, Air{acl, rate.packets}, mtu})
			}
		}
	}
	return all
}

// whole returns the pairs of slots of one write(2) of size bytes.
func (s setting) whole(size int) int {
	return size/s.mtu*s.air.frame(s.mtu) + s.air.frame(size%s.mtu)
}

// fewest returns the fewest pairs of slots for every size up to a limit. It
// tries each first frame that takes less time than all longer ones. Data that
// fits one frame is sent as one frame.
func (s setting) fewest(limit int) []int {
	var frames []int
	for data := 1; data <= s.mtu; data++ {
		if data == s.mtu || s.air.frame(data+1) > s.air.frame(data) {
			frames = append(frames, data)
		}
	}
	fewest := make([]int, limit+1)
	for size := 1; size <= limit; size++ {
		fewest[size] = size * s.air.frame(1)
		for _, data := range frames {
			fewest[size] = min(fewest[size], s.air.frame(data)+fewest[max(0, size-data)])
		}
	}
	for size := 1; size <= min(s.mtu, limit); size++ {
		fewest[size] = s.air.frame(size)
	}
	return fewest
}

// cut returns the pairs of slots of a Write of size bytes.
func (s setting) cut(t testing.TB, c *Chunker, size int) (pairs int) {
	t.Helper()
	for rest := size; rest > 0; {
		chunk := c.Next(rest, rest == size)
		if chunk <= 0 || chunk > rest || chunk > maxChunk {
			t.Fatalf("%v: a chunk of %d bytes where %d are left", s, chunk, rest)
		}
		pairs += s.whole(chunk)
		rest -= chunk
	}
	return pairs
}

func TestNextTakesFewestSlots(t *testing.T) {
	const limit = 70_000
	for _, s := range settings() {
		t.Run(s.String(), func(t *testing.T) {
			t.Parallel()
			fewest := s.fewest(limit)
			c := Chunker{air: s.air}
			c.plan(s.mtu)
			random := rand.New(rand.NewPCG(1, 2))
			for size := 1; size <= limit; size += 1 + random.IntN(1+size/100) {
				pairs := s.cut(t, &c, size)
				if pairs != fewest[size] || pairs > s.whole(size) {
					t.Fatalf("%d bytes take %d pairs of slots, want %d; whole they take %d", size, pairs, fewest[size], s.whole(size))
				}
			}
		})
	}
}

// A device may treat a frame as a message.
func TestNextKeepsOneFrameWhole(t *testing.T) {
	for _, s := range settings() {
		for _, mtu := range []int{s.mtu, 1000} {
			c := Chunker{air: s.air}
			c.plan(mtu)
			for size := 1; size <= mtu; size++ {
				if chunk := c.Next(size, true); chunk != size {
					t.Fatalf("%v: of %d bytes, a chunk of %d where a frame holds %d", s, size, chunk, mtu)
				}
			}
		}
	}
}

func TestNextSuitsOddAdapters(t *testing.T) {
	for _, acl := range []int{minACLLength, 48, 192, 1017, 1024, 4096, 65535} {
		for _, mtu := range []int{23, 43, 674, 1016} {
			s := setting{"3-DH5", Air{acl, rates[0].packets}, mtu}
			fewest := s.fewest(3000)
			c := Chunker{air: s.air}
			c.plan(mtu)
			for size := 1; size < len(fewest); size += 13 {
				if pairs := s.cut(t, &c, size); pairs != fewest[size] {
					t.Fatalf("%v: %d bytes take %d pairs of slots, want %d", s, size, pairs, fewest[size])
				}
			}
		}
	}
}

// If the peer lacks the adapter's fastest packets, or the radio is too bad for
// them, the chunks are wrong. The test bounds the loss.
func TestNextBoundsLossOnSlowerLinks(t *testing.T) {
	const size = maxChunk
	for _, s := range settings() {
		for _, rate := range rates {
			if rate.packets[0] <= s.air.Packets[0] {
				continue
			}
			worst := 0.87 // of the rate of whole writes
			if s.mtu == 127 {
				worst = 0.59 // by frames of 75 bytes, for 3-DH1
			}
			c := Chunker{air: Air{s.air.ACLLength, rate.packets}}
			c.plan(s.mtu)
			if share := float64(s.whole(size)) / float64(s.cut(t, &c, size)); share < worst {
				t.Errorf("%v with chunks for %s: %.3f of the rate of whole writes, want %.2f", s, rate.name, share, worst)
			}
		}
	}
}

func TestNextOfWholeFramesIsLong(t *testing.T) {
	// The kernel would also cut 3 × 330 bytes and the rest.
	c := Chunker{air: Air{1021, rates[0].packets}}
	c.plan(330)
	if chunk := c.Next(20_000, true); chunk < 19_000 || chunk%330 != 0 && chunk != 20_000 {
		t.Errorf("a chunk of %d bytes, want all or whole frames", chunk)
	}
	if chunk := c.Next(1_000_000, true); chunk > maxChunk || chunk < maxChunk-330 {
		t.Errorf("a chunk of %d bytes, want about %d", chunk, maxChunk)
	}
}

func TestSetMTUPlans(t *testing.T) {
	s := settings()[0]
	c := NewChunker(func() Air { return s.air })
	c.SetMTU(maxMTU + 1)
	if got := c.Next(5000, true); got != 5000 {
		t.Errorf("before the MTU is known, a chunk has %d bytes, want 5000", got)
	}
	c.SetMTU(s.mtu)
	want := Chunker{air: s.air}
	want.plan(s.mtu)
	if got, want := c.Next(50_000, true), want.Next(50_000, true); got != want {
		t.Errorf("with the MTU %d, a chunk has %d bytes, want %d", s.mtu, got, want)
	}
}

// fillUp makes the send buffer full as often as a Chunker needs it.
func fillUp(c *Chunker) {
	for range enough {
		c.Full()
	}
}

func TestNextCutsNothingWithoutMTU(t *testing.T) {
	whole := func(t *testing.T, c *Chunker) {
		t.Helper()
		for _, rest := range []int{1, 1016, 5000, maxChunk} {
			if chunk := c.Next(rest, true); chunk != rest {
				t.Errorf("a chunk of %d bytes where %d are left", chunk, rest)
			}
		}
		if chunk := c.Next(10*maxChunk, true); chunk != maxChunk {
			t.Errorf("a chunk of %d bytes", chunk)
		}
	}
	t.Run("before the send buffer was full", func(t *testing.T) {
		c := Chunker{air: Air{1021, rates[0].packets}}
		whole(t, &c)
		for range enough - 1 {
			c.Partial(23 * 1016)
			c.Full()
		}
		whole(t, &c)
	})
	t.Run("without an Air", func(t *testing.T) {
		var c Chunker
		fillUp(&c)
		c.Partial(1016)
		whole(t, &c)
	})
	t.Run("where counts are not of frames", func(t *testing.T) {
		c := Chunker{air: Air{1021, rates[0].packets}}
		fillUp(&c)
		c.Partial(2000)
		c.Partial(1999)
		fillUp(&c)
		whole(t, &c)
	})
}

func TestPartialFindsLargestMTU(t *testing.T) {
	for name, tt := range map[string]struct {
		counts []int
		want   int
	}{
		"none":                       {nil, 1016},
		"one of Linux":               {[]int{23 * 1016}, 1016},
		"less than two frames":       {[]int{990}, 990},
		"a multiple":                 {[]int{3 * 672}, 1008},
		"a multiple, and another":    {[]int{3 * 672, 4 * 672}, 672},
		"a multiple, and one frame":  {[]int{40 * 330, 330}, 330},
		"always two":                 {[]int{8 * 330, 2 * 330}, 660},
		"first too many for a frame": {[]int{2000}, 1000},
	} {
		c := Chunker{air: Air{1021, rates[0].packets}}
		fillUp(&c)
		for _, n := range tt.counts {
			c.Partial(n)
		}
		if c.mtu != tt.want {
			t.Errorf("%s: %d, want %d", name, c.mtu, tt.want)
		}
	}
}

// A sendBuffer is a model of the kernel's send buffer: it takes a frame as long
// as the frames in it weigh less than its size, and it wakes a writer when half
// of it is free (sock_alloc_send_skb, sock_def_write_space).
type sendBuffer struct {
	setting
	random *rand.Rand
	queue  []int // the weights of the frames
	used   int
	pairs  int // the pairs of slots of all frames so far
}

// defaultSendBuffer is the size of the send buffer of an RFCOMM socket
// (rfcomm_sock_alloc).
const defaultSendBuffer = 40 * 127 * 10

// write is a non-blocking write(2). The radio may send at the same time.
func (b *sendBuffer) write(size int) (n int) {
	for n < size && b.used < defaultSendBuffer {
		frame := min(size-n, b.mtu)
		weight := 256 // sizeof(struct sk_buff), and a power of two for its data
		for data := 512; ; data *= 2 {
			if frame+8+8+320 <= data {
				weight += data
				break
			}
		}
		b.queue, b.used = append(b.queue, weight), b.used+weight
		b.pairs += b.air.frame(frame)
		n += frame
		if b.random.IntN(20) == 0 {
			b.send()
		}
	}
	return n
}

func (b *sendBuffer) send() {
	b.used -= b.queue[0]
	b.queue = b.queue[1:]
}

// stream writes size bytes as the Write of a Socket does.
func (b *sendBuffer) stream(c *Chunker, size int) {
	for rest := size; rest > 0; {
		chunk := c.Next(rest, rest == size)
		switch n := b.write(chunk); {
		case n == 0:
			c.Full()
			for b.used > defaultSendBuffer/2 {
				b.send()
			}
		default:
			if n < chunk {
				c.Partial(n)
			}
			rest -= n
		}
	}
}

// A stream of writes of any size finds its best chunks, although only the
// counts of the kernel reveal the MTU. One frame in a hundred may stay wrong,
// which is too rare to be visible in the counts.
func TestChunkerLearnsFromStream(t *testing.T) {
	const learning, measured = 256 << 10, 32 << 10
	for _, s := range settings() {
		t.Run(s.String(), func(t *testing.T) {
			t.Parallel()
			fewest := s.fewest(maxChunk)
			for _, size := range []int{20, 64, 200, 331, 700, 1012, 1016, 1100, 2032, 4096, 32768} {
				for seed := range uint64(2) {
					b := sendBuffer{setting: s, random: rand.New(rand.NewPCG(seed, 0))}
					c := Chunker{air: s.air}
					for range learning / max(size, 20) {
						b.stream(&c, size)
					}
					b.pairs = 0
					writes := max(measured/size, 1)
					for range writes {
						b.stream(&c, size)
					}
					if b.pairs*100 > writes*fewest[size]*101 {
						t.Errorf("size %d, seed %d: %.2f pairs of slots, want %d; the MTU is taken for %d",
							size, seed, float64(b.pairs)/float64(writes), fewest[size], c.mtu)
					}
				}
			}
		})
	}
}

// keptWhole returns the number of sizes that are sent as one frame although two
// frames would take fewer slots, and the additional slots that this takes, on
// average and at most.
func (s setting) keptWhole() (sizes int, mean, most float64) {
	c := Chunker{air: s.air}
	c.plan(s.mtu)
	for size := 1; size <= s.mtu; size++ {
		first := c.Next(size, false)
		if first == size {
			continue
		}
		cut := s.air.frame(first) + s.air.frame(size-first)
		more := float64(s.air.frame(size))/float64(cut) - 1
		sizes++
		mean += more
		most = max(most, more)
	}
	return sizes, mean / float64(max(sizes, 1)), most
}

func BenchmarkNext(b *testing.B) {
	c := Chunker{air: Air{1021, rates[0].packets}}
	c.plan(1016)
	for b.Loop() {
		for rest := 32768; rest > 0; {
			rest -= c.Next(rest, rest == 32768)
		}
	}
}

func BenchmarkPlan(b *testing.B) {
	for b.Loop() {
		c := Chunker{air: Air{1021, rates[0].packets}}
		c.plan(1016)
	}
}

var table = flag.String("table", "", "a `file` to write the rates of all settings to")

// With -table, TestNextTable writes the gain from cutting and the cost of
// keeping frames whole, as computed by the model.
func TestNextTable(t *testing.T) {
	if *table == "" {
		t.Skip("no -table")
	}
	var out strings.Builder
	sizes := []int{64, 1012, 1016, 4096, 32768}
	rate := func(size, pairs int) float64 { return float64(size) / float64(pairs) / 1.25 } // kB/s
	fmt.Fprint(&out, "| packets | ACL length | MTU | best chunk |")
	for _, size := range sizes {
		fmt.Fprintf(&out, " %d |", size)
	}
	fmt.Fprint(&out, "\n|---|--:|--:|--:|", strings.Repeat("--:|", len(sizes)), "\n")
	for _, s := range settings() {
		c := Chunker{air: s.air}
		c.plan(s.mtu)
		chunk := c.frames[c.best]
		best := rate(chunk, s.air.frame(chunk))
		fmt.Fprintf(&out, "| %s | %d | %d | %d: %.1f |", s.packets, s.air.ACLLength, s.mtu, chunk, best)
		for _, size := range sizes {
			pairs := s.cut(t, &c, size)
			before, after := rate(size, s.whole(size)), rate(size, pairs)
			fmt.Fprintf(&out, " %.1f → %.1f (%.0f→%.0f %%) |", before, after, 100*before/best, 100*after/best)
		}
		fmt.Fprintln(&out)
	}
	fmt.Fprint(&out, "\n| packets | ACL length | MTU | sizes | slots more, mean | at most |\n|---|--:|--:|--:|--:|--:|\n")
	for _, s := range settings() {
		if sizes, mean, most := s.keptWhole(); sizes > 0 {
			fmt.Fprintf(&out, "| %s | %d | %d | %d | %.0f %% | %.0f %% |\n", s.packets, s.air.ACLLength, s.mtu, sizes, 100*mean, 100*most)
		}
	}
	if err := os.WriteFile(*table, []byte(out.String()), 0o666); err != nil {
		t.Fatal(err)
	}
}
