package l2cap

import (
	"encoding/binary"
	"io"
)

// Information types and their answers (section 4.10). The host supports basic
// mode only, and the signalling channel as the only fixed channel.
const (
	extendedFeatures = 0x0002
	fixedChannels    = 0x0003

	fixedChannelsSupported = 1 << 7
	onlySignalling         = 1 << signallingCID

	informationSuccess      = 0x0000
	informationNotSupported = 0x0001
)

// maxConfigurations is the number of configuration requests of one channel
// after which the host gives up.
const maxConfigurations = 4

// signalled handles the commands of a signalling frame.
func (l *link) signalled(payload []byte) {
	commands, cut, ok := parseCommands(payload)
	for _, c := range commands {
		if least, known := minimumData[c.code]; !known || len(c.data) < least {
			l.reject(c.id, notUnderstood)
			continue
		}
		if handle := signals[c.code]; handle != nil {
			handle(l, c)
		}
	}
	if !ok {
		l.reject(cut, notUnderstood)
	}
}

// signals holds the handlers of commands with at least their minimum length.
var signals map[byte]func(l *link, c command)

func init() { // a handler refers to signals
	signals = map[byte]func(l *link, c command){
		commandReject:         (*link).onReject,
		connectionRequest:     (*link).onConnectionRequest,
		connectionResponse:    (*link).onConnectionResponse,
		configurationRequest:  (*link).onConfigurationRequest,
		configurationResponse: (*link).onConfigurationResponse,
		disconnectionRequest:  (*link).onDisconnectionRequest,
		disconnectionResponse: (*link).onDisconnectionResponse,
		echoRequest:           (*link).onEchoRequest,
		informationRequest:    (*link).onInformationRequest,
	}
}

// respond sends a response.
func (l *link) respond(code, id byte, data []byte) {
	l.send(signallingCID, command{code, id, data}.append(nil))
}

// request sends a request and returns its identifier, which is not 0.
func (l *link) request(code byte, data []byte) (id byte) {
	if l.lastID++; l.lastID == 0 {
		l.lastID++
	}
	l.respond(code, l.lastID, data)
	return l.lastID
}

// reject sends a command reject. The data depends on the reason.
func (l *link) reject(id byte, reason uint16, data ...uint16) {
	l.respond(commandReject, id, append(words(reason), words(data...)...))
}

// onReject ends the channel whose connection request was rejected.
func (l *link) onReject(r command) {
	for _, c := range l.channels {
		if c.requestID == r.id && (c.state == connecting || c.state == abandoned) {
			c.remove(errRejected)
			return
		}
	}
}

func (l *link) onConnectionRequest(r command) {
	psm, remote := word(r.data, 0), word(r.data, 1)
	refuse := func(result Result) { l.respond(connectionResponse, r.id, words(0, remote, uint16(result), 0)) }
	listener := l.host.listeners[psm]
	switch {
	case listener == nil:
		refuse(psmNotSupported)
		return
	case remote < firstDynamic:
		refuse(sourceCIDInvalid)
		return
	case l.remote(remote) != nil:
		refuse(sourceCIDAllocated)
		return
	case listener.refusal != accepted:
		refuse(listener.refusal)
		return
	}
	c := l.newConn(psm)
	if c == nil {
		refuse(0x0004)
		return
	}
	c.remote, c.listener, c.state = remote, listener, configuring
	l.respond(connectionResponse, r.id, words(c.local, remote, uint16(accepted), 0))
	c.configure()
}

// remote returns the channel whose other end has an identifier, or nil.
func (l *link) remote(cid uint16) *Conn {
	for _, c := range l.channels {
		if c.remote == cid {
			return c
		}
	}
	return nil
}

func (l *link) onConnectionResponse(r command) {
	remote, local, result := word(r.data, 0), word(r.data, 1), Result(word(r.data, 2))
	c := l.channels[local]
	if c == nil || c.requestID != r.id || c.state != connecting && c.state != abandoned || result == pendingResult {
		return
	}
	if result != accepted {
		c.remove(refused(result))
		return
	}
	c.remote = remote
	gone := c.state == abandoned
	c.state = configuring
	if gone {
		c.close(c.err)
		return
	}
	c.configure()
}

// configure sends the options of this end, or gives up.
func (c *Conn) configure() {
	if c.attempts++; c.attempts > maxConfigurations {
		c.close(errConfiguration)
		return
	}
	data := words(c.remote, 0)
	if c.mtu != defaultMTU || c.attempts > 1 {
		data = mtuOption(c.mtu).append(data)
	}
	c.link.request(configurationRequest, data)
}

func (l *link) onConfigurationRequest(r command) {
	local, flags := word(r.data, 0), word(r.data, 1)
	c := l.channels[local]
	if c == nil || c.state != configuring && c.state != open {
		l.reject(r.id, invalidCID, local, 0)
		return
	}
	result, options, mtu := judge(r.data[4:], c.peerMTU)
	l.respond(configurationResponse, r.id, append(words(c.remote, flags&continuation, result), options...))
	if result != configurationSuccess {
		return
	}
	c.peerMTU = mtu
	if flags&continuation == 0 {
		c.accepting = true
		c.configured()
	}
}

func (l *link) onConfigurationResponse(r command) {
	local, flags, result := word(r.data, 0), word(r.data, 1), word(r.data, 2)
	c := l.channels[local]
	if c == nil || c.state != configuring || flags&continuation != 0 {
		return
	}
	switch result {
	case configurationSuccess:
		c.accepted = true
		c.configured()
	case configurationPending:
	case configurationUnacceptable:
		if mtu := proposedMTU(r.data[6:]); mtu != 0 {
			c.mtu = mtu
		}
		c.configure()
	default:
		c.close(errConfiguration)
	}
}

// configured opens a channel when both ends have accepted the options of the
// other.
func (c *Conn) configured() {
	if !c.accepted || !c.accepting || c.state != configuring {
		return
	}
	c.state, c.opened = open, true
	if c.listener != nil {
		c.listener.add(c)
	}
}

// onDisconnectionRequest ends a channel. A request whose identifiers do not
// belong together is ignored (section 4.6).
func (l *link) onDisconnectionRequest(r command) {
	local, remote := word(r.data, 0), word(r.data, 1)
	c := l.channels[local]
	if c == nil {
		l.reject(r.id, invalidCID, local, remote)
		return
	}
	if c.remote == remote {
		l.respond(disconnectionResponse, r.id, words(local, remote))
		c.remove(io.EOF)
	}
}

func (l *link) onDisconnectionResponse(r command) {
	remote, local := word(r.data, 0), word(r.data, 1)
	if c := l.channels[local]; c != nil && c.remote == remote && c.state == closing {
		c.remove(io.EOF)
	}
}

func (l *link) onEchoRequest(r command) { l.respond(echoResponse, r.id, r.data) }

func (l *link) onInformationRequest(r command) {
	kind := word(r.data, 0)
	switch kind {
	case extendedFeatures:
		features := binary.LittleEndian.AppendUint32(nil, fixedChannelsSupported)
		l.respond(informationResponse, r.id, append(words(kind, informationSuccess), features...))
	case fixedChannels:
		channels := binary.LittleEndian.AppendUint64(nil, onlySignalling)
		l.respond(informationResponse, r.id, append(words(kind, informationSuccess), channels...))
	default:
		l.respond(informationResponse, r.id, words(kind, informationNotSupported))
	}
}
