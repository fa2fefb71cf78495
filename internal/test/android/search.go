package android

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"slices"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/l2cap"
	"github.com/go-rfcomm/rfcomm/sdp"
)

// Constants of AOSP (bt_target.h, sdp_main.c).
const (
	maxPart = 1024 - 16 // SDP_MTU_SIZE - 16, of the bytes in one response
	maxList = 4096      // SDP_MAX_LIST_BYTE_COUNT, of the bytes in all responses
)

// Search returns the records of a device that contain a UUID.
func (p Phone) Search(ctx context.Context, device rfcomm.BDAddr, service sdp.UUID) ([]*sdp.Record, error) {
	const sdpPSM = 1
	conn, err := l2cap.Dial(ctx, p.Adapter, l2cap.Addr{Device: device, PSM: sdpPSM})
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	return p.search(conn, service)
}

// search searches on a connection that preserves packets.
func (p Phone) search(conn net.Conn, service sdp.UUID) ([]*sdp.Record, error) {
	var list, state []byte
	response := make([]byte, 1<<16)
	for id := uint16(0); ; id++ {
		if _, err := conn.Write(p.request(id, service, state)); err != nil {
			return nil, err
		}
		n, err := conn.Read(response)
		if err != nil {
			return nil, err
		}
		part, next, err := parseResponse(response[:n], id)
		if err != nil {
			return nil, err
		}
		if list = append(list, part...); len(list) > maxList {
			return nil, ErrFailed
		}
		if len(next) == 0 {
			return parseRecords(list)
		}
		state = slices.Clone(next)
	}
}

// request returns a request for all attributes of the records with a UUID.
func (p Phone) request(id uint16, service sdp.UUID, state []byte) []byte {
	const searchAttribute = 0x06
	pattern, _ := sdp.UUIDElement(service).AppendBinary(nil)
	if p.Wide {
		pattern = append([]byte{0x1c}, service[:]...)
	}
	parameters := append([]byte{0x35, byte(len(pattern))}, pattern...)
	parameters = binary.BigEndian.AppendUint16(parameters, maxPart)
	parameters = append(parameters, 0x35, 5, 0x0a, 0, 0, 0xff, 0xff, byte(len(state)))
	parameters = append(parameters, state...)
	header := binary.BigEndian.AppendUint16([]byte{searchAttribute}, id)
	header = binary.BigEndian.AppendUint16(header, uint16(len(parameters)))
	return append(header, parameters...)
}

// parseResponse returns the part of the list of records in a response, and the
// continuation state with which the next part is requested.
func parseResponse(b []byte, id uint16) (part, state []byte, err error) {
	const searchAttributeResponse, header = 0x07, 7
	if len(b) < header+1 || b[0] != searchAttributeResponse || binary.BigEndian.Uint16(b[1:]) != id {
		return nil, nil, fmt.Errorf("unexpected response %x", b)
	}
	end := header + int(binary.BigEndian.Uint16(b[5:]))
	if end >= len(b) || end+1+int(b[end]) != len(b) {
		return nil, nil, fmt.Errorf("response with wrong lengths %x", b)
	}
	return b[header:end], b[end+1:], nil
}

// parseRecords parses a sequence of records.
func parseRecords(list []byte) (records []*sdp.Record, err error) {
	all, rest, err := sdp.ParseDataElement(list)
	if err != nil || len(rest) > 0 {
		return nil, fmt.Errorf("%d bytes after the records, %w", len(rest), err)
	}
	for _, element := range all.Elements() {
		attributes, err := element.AppendBinary(nil)
		if err != nil {
			return nil, err
		}
		record, err := sdp.ParseRecord(attributes)
		if err != nil {
			return nil, err
		}
		records = append(records, record)
	}
	return records, nil
}
