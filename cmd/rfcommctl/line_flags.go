package main

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/go-rfcomm/rfcomm/serial"
)

// A baud is the value of the flag --baud.
type baud int

func (b *baud) String() string { return strconv.Itoa(int(*b)) }

func (b *baud) Type() string { return "N" }

func (b *baud) Set(text string) error {
	number, err := strconv.ParseInt(text, 10, 32)
	if err != nil || number <= 0 {
		return errors.New("use a number of bits per second, such as 115200")
	}
	*b = baud(number)
	return nil
}

// A lineFormat is the value of the flag --format.
type lineFormat struct {
	dataBits int
	parity   serial.Parity
	stopBits int
}

// parities are the letters of [serial.Parity].
const parities = "NOEMS"

func (f *lineFormat) String() string { return fmt.Sprintf("%d%v%d", f.dataBits, f.parity, f.stopBits) }

func (f *lineFormat) Type() string { return "FORMAT" }

// lineFormats matches the formats of a serial port.
var lineFormats = regexp.MustCompile(`^[5-8][` + parities + `][12]$`)

func (f *lineFormat) Set(text string) error {
	text = strings.ToUpper(text)
	if !lineFormats.MatchString(text) {
		return errors.New("use data bits, parity and stop bits, such as 8N1 or 7E2")
	}
	*f = lineFormat{int(text[0] - '0'), serial.Parity(strings.IndexByte(parities, text[1])), int(text[2] - '0')}
	return nil
}

// A lineFlow is the value of the flag --flow.
type lineFlow serial.Flow

// lineFlows are the values of --flow.
var lineFlows = []serial.Flow{serial.FlowNone, serial.FlowRTS, serial.FlowXON}

func (f *lineFlow) String() string { return serial.Flow(*f).String() }

func (f *lineFlow) Type() string { return "FLOW" }

func (f *lineFlow) Set(text string) error {
	for _, flow := range lineFlows {
		if strings.EqualFold(text, flow.String()) {
			*f = lineFlow(flow)
			return nil
		}
	}
	return errors.New("use none, rts or xon")
}

// line returns the settings of the port.
func (o *relayOptions) line() *serial.LineOptions {
	return &serial.LineOptions{
		Baud:     int(o.baud),
		DataBits: o.format.dataBits,
		Parity:   o.format.parity,
		StopBits: o.format.stopBits,
		Flow:     serial.Flow(o.flow),
	}
}
