package main

import "fmt"

// The Write that the picture of the layers follows.
const (
	writeSize = 4096
	chunk     = 1012  // the most that fits a 3-DH5 packet, with the headers of RFCOMM and L2CAP
	packet    = 1021  // the capacity of a 3-DH5 packet
	slotTime  = 0.625 // ms
)

// chunks returns the lengths of the chunks of the Write.
func chunks() []int {
	var all []int
	for rest := writeSize; rest > 0; rest -= chunk {
		all = append(all, min(rest, chunk))
	}
	return all
}

// onAir returns the length of a frame with so many bytes of data in L2CAP: 4
// bytes for length and channel; then address, control, a length of one or two
// bytes, and a checksum.
func onAir(data int) int {
	if data > 127 {
		return 4 + data + 5
	}
	return 4 + data + 4
}

// slots returns the slots of the packets of 3 Mbit/s for a frame, and the
// number of packets. A reply of one slot follows each.
func slots(data int) (slots, packets int) {
	for rest := onAir(data); rest > 0; rest -= packet {
		packets++
		switch {
		case rest <= 83: // 3-DH1
			slots++
		case rest <= 552: // 3-DH3
			slots += 3
		default:
			slots += 5
		}
	}
	return slots, packets
}

// A part is a section of a row of data.
type part struct {
	class string
	bytes int
	label string
}

// The height of a row of data, and the least width of a part in it.
const (
	partHeight = 24
	partLeast  = 26
	partGap    = 3
)

// drawParts draws parts in a row as wide as the column: short ones as wide as
// their label needs, and the others by their length.
func drawParts(p *picture, y float64, parts ...part) {
	free, long := dataWidth-partGap*float64(len(parts)-1), 0
	for _, each := range parts {
		if each.bytes < 100 {
			free -= partLeast
		} else {
			long += each.bytes
		}
	}
	x := float64(dataLeft)
	for _, each := range parts {
		width := float64(partLeast)
		if each.bytes >= 100 {
			width = free * float64(each.bytes) / float64(long)
		}
		p.rect(each.class, x, y+5, width, partHeight, 3)
		p.text("inside middle", x+width/2, y+21, each.label)
		x += width + partGap
	}
}

// chunkParts are the chunks of the Write.
func chunkParts() []part {
	var parts []part
	for _, length := range chunks() {
		parts = append(parts, part{"data", length, fmt.Sprint(length)})
	}
	return parts
}

// frameParts are those of an RFCOMM frame with a full chunk: before it address,
// control and length, and behind it the checksum.
func frameParts() []part {
	return []part{{"rfcommhead", 4, "4"}, {"data", chunk, fmt.Sprint(chunk)}, {"rfcommhead", 1, "1"}}
}

// l2capParts are those of the L2CAP packet with that frame.
func l2capParts() []part { return append([]part{{"l2caphead", 4, "4"}}, frameParts()...) }

// packetParts are the packets of the Write.
func packetParts() []part {
	var parts []part
	for _, length := range chunks() {
		parts = append(parts, part{"data", onAir(length), fmt.Sprint(onAir(length))})
	}
	return parts
}

// drawAddress draws what package rfcomm adds: the address.
func drawAddress(p *picture, y float64) {
	p.rect("slot", dataLeft+60, y+5, dataWidth-120, partHeight, 3)
	p.text("code middle", dataMiddle, y+21, "[01:23:45:67:89:AB]:20")
}

// bufferFrames is the number of full frames for which the default send buffer
// has room: 50,800 bytes (rfcomm_sock_alloc), of which the kernel's own data
// takes more than half.
const bufferFrames = 23

// drawBuffer draws the send buffer with the frames of the Write in it.
func drawBuffer(p *picture, y float64) {
	width := (dataWidth + partGap) / float64(bufferFrames)
	for i := range bufferFrames {
		class := "slot"
		if i < len(chunks()) {
			class = "data"
		}
		p.rect(class, dataLeft+float64(i)*width, y+5, width-partGap, partHeight, 3)
	}
}

// drawAir draws the slots on the air.
func drawAir(p *picture, y float64) {
	p.text("strong", writerLeft, y, "Air")
	p.text("small quiet", writerLeft+28, y, "slots of 625 µs: a packet takes 1, 3 or 5 of them, and the next one is for the reply, with its acknowledgement and credits")
	total := 0
	for _, length := range chunks() {
		slots, packets := slots(length)
		total += slots + packets
	}
	width := float64(layersWidth-2*writerLeft) / float64(total)
	x := float64(writerLeft)
	for _, length := range chunks() {
		slots, _ := slots(length)
		p.rect("data", x+1, y+12, float64(slots)*width-2, 28, 3)
		p.text("inside middle", x+float64(slots)*width/2, y+31, airLabel(slots, length))
		x += float64(slots) * width
		p.rect("chip", x+1, y+12, width-2, 28, 3)
		p.text("tiny quiet middle", x+width/2, y+30, "reply")
		x += width
	}
	first, replies := slots(chunk)
	drawSpan(p, y+52, writerLeft, float64(first+replies)*width, spanLabel(first+replies, chunk))
	drawSpan(p, y+84, writerLeft, float64(total)*width, spanLabel(total, writeSize))
	drawNote(p, y+52, writerLeft+float64(first+replies)*width+24)
}

// airLabel names a packet of so many slots, if it is wide enough.
func airLabel(slots, data int) string {
	if slots == 1 {
		return fmt.Sprint(data)
	}
	return fmt.Sprintf("3-DH%d: %d bytes", slots, data)
}

// spanLabel returns the duration of slots and the rate at which they carry
// data.
func spanLabel(slots, data int) string {
	time := float64(slots) * slotTime
	return fmt.Sprintf("%d slots, %.2f ms: %.0f kB/s", slots, time, float64(data)/time)
}

// drawSpan draws a measure below the slots, with its label under it.
func drawSpan(p *picture, y, left, width float64, label string) {
	p.line("lead", point{left + 1, y}, point{left + width - 1, y})
	p.line("lead", point{left + 1, y - 4}, point{left + 1, y + 4})
	p.line("lead", point{left + width - 1, y - 4}, point{left + width - 1, y + 4})
	p.text("small middle", left+width/2, y+17, label)
}

// drawNote draws the reason for chunks shorter than the MTU.
func drawNote(p *picture, y, left float64) {
	slots, packets := slots(chunk + 4)
	slots += packets
	p.text("small quiet", left, y+4, fmt.Sprintf(
		"A frame with %d bytes of data is 4 bytes too long for a 3-DH5 packet. It takes %d slots: %.0f kB/s.",
		chunk+4, slots, float64(chunk+4)/(float64(slots)*slotTime)))
}
