package main

import "fmt"

const layersDescription = "The layers of a connection, at the writing end from the top to the bottom, and at the reading " +
	"end from the bottom to the top: application, package rfcomm, internal/btsocket, system calls, the kernel's RFCOMM, " +
	"L2CAP and HCI, controller, air. Between the two ends the picture follows a Write of 4096 bytes: chunks of 1012 bytes " +
	"become frames of 1017, L2CAP packets of 1021 and one 3-DH5 packet each, of 5 slots and one for the reply. The last 48 " +
	"bytes take one slot and its reply. All take 26 slots, which is 16.25 ms. The numbers are in design.md."

// The columns of the picture of the layers.
const (
	layersWidth  = 960
	layersHeight = 860

	writerLeft  = 28
	endWidth    = 232
	readerLeft  = layersWidth - writerLeft - endWidth
	dataLeft    = writerLeft + endWidth + 18
	dataWidth   = readerLeft - 18 - dataLeft
	dataMiddle  = dataLeft + dataWidth/2
	layersTop   = 112
	layerHeight = 54
	layerStep   = 70
	borderStep  = 22 // more between user space, kernel and controller
)

// A layer is a row of the picture.
type layer struct {
	class        string
	name         string
	writes       string // its work at the writing end
	reads        string // its work at the reading end
	data         func(p *picture, y float64)
	caption      string // of the data
	borderBefore string // the name of a border above this layer, if there is one
}

// layers are those above the air.
var layers = []layer{
	{
		class: "user", name: "Application",
		writes: "Write, io.Copy, net/http", reads: "Read, io.Copy, net/http",
		data:    func(p *picture, y float64) { drawParts(p, y, part{"data", writeSize, fmt.Sprint(writeSize, " bytes")}) },
		caption: "a stream of bytes, without message boundaries",
	},
	{
		class: "user", name: "package rfcomm",
		writes: "Dialer, Conn: a net.Conn", reads: "Listener, Conn: a net.Conn",
		data:    drawAddress,
		caption: "the device's address and a channel from 1 to 30",
	},
	{
		class: "user", name: "internal/btsocket",
		writes: "cuts chunks, waits in the Go poller", reads: "waits, finds the end of the stream",
		data:    func(p *picture, y float64) { drawParts(p, y, chunkParts()...) },
		caption: "chunks that fill one packet each",
	},
	{
		class: "kernel", name: "System calls",
		writes: "sendto without waiting", reads: "recvfrom without waiting, poll",
		data:         drawBuffer,
		caption:      "the send buffer takes 23 full frames, then EAGAIN",
		borderBefore: "from here on, the kernel",
	},
	{
		class: "kernel", name: "RFCOMM",
		writes: "krfcommd sends a frame per credit", reads: "grants credits: 7 first, at most 40",
		data:    func(p *picture, y float64) { drawParts(p, y, frameParts()...) },
		caption: "header and checksum: 5 bytes; MTU: 1016 bytes of data",
	},
	{
		class: "kernel", name: "L2CAP",
		writes: "PSM 3: one channel for each link", reads: "joins the fragments",
		data:    func(p *picture, y float64) { drawParts(p, y, l2capParts()...) },
		caption: "length and channel: 4 bytes; in all 1021",
	},
	{
		class: "kernel", name: "HCI",
		writes: "cuts fragments of the ACL length", reads: "finds the link by its handle",
		data:    func(p *picture, y float64) { drawParts(p, y, append([]part{{"hcihead", 4, "4"}}, l2capParts()...)...) },
		caption: "ACL length: 1021 bytes, or 310 on some controllers",
	},
	{
		class: "chip", name: "Controller",
		writes: "repeats unacknowledged packets", reads: "acknowledges packets",
		data:         func(p *picture, y float64) { drawParts(p, y, packetParts()...) },
		caption:      "a 3-DH5 packet holds 1021 bytes, 2-DH5 679, DH5 339",
		borderBefore: "from here on, the controller",
	},
}

// drawLayers draws the layers of a connection, and a Write on its way through
// them.
func drawLayers() []byte {
	p := newPicture(layersWidth, layersHeight, "The layers of a connection", layersDescription)
	p.text("title", writerLeft, 40, "The layers of a connection")
	p.text("quiet", writerLeft, 62, fmt.Sprintf("A Write of %d bytes between two Linux machines whose controllers have 3-DH5 packets. Sizes are in bytes.", writeSize))
	p.text("strong middle", writerLeft+endWidth/2, 96, "Writing end")
	p.text("strong middle", dataMiddle, 96, "The data")
	p.text("strong middle", readerLeft+endWidth/2, 96, "Reading end")
	y := float64(layersTop)
	for i, l := range layers {
		gap := float64(layerStep - layerHeight)
		if l.borderBefore != "" {
			drawBorder(p, y+3, l.borderBefore)
			y += borderStep
			gap += borderStep
		}
		if i > 0 {
			drawArrow(p, writerLeft+endWidth/2, y-gap, y)
			drawArrow(p, readerLeft+endWidth/2, y, y-gap)
		}
		drawLayer(p, y, l)
		y += layerStep
	}
	drawAir(p, y+borderStep)
	return p.finish()
}

// drawBorder draws the border between user space, kernel and controller.
func drawBorder(p *picture, y float64, name string) {
	const half = 100 // of the space for the name
	p.line("cut", point{writerLeft, y}, point{dataMiddle - half, y})
	p.line("cut", point{dataMiddle + half, y}, point{layersWidth - writerLeft, y})
	p.text("small quiet middle", dataMiddle, y+4, name)
}

// drawLayer draws one layer at both ends, and the data between them.
func drawLayer(p *picture, y float64, l layer) {
	for _, end := range []struct {
		left float64
		does string
	}{{writerLeft, l.writes}, {readerLeft, l.reads}} {
		p.rect(l.class, end.left, y, endWidth, layerHeight, 6)
		p.text("strong middle", end.left+endWidth/2, y+23, l.name)
		p.text("small quiet middle", end.left+endWidth/2, y+41, end.does)
	}
	l.data(p, y)
	p.text("small quiet middle", dataMiddle, y+46, l.caption)
}

// drawArrow draws a vertical arrow between two layers.
func drawArrow(p *picture, x, from, to float64) {
	back := 6.0 // the length of the head, backwards
	if to > from {
		back = -back
	}
	p.line("flow", point{x, from}, point{x, to + back})
	p.polygon("flowhead", []point{{x, to}, {x - 4, to + back}, {x + 4, to + back}})
}
