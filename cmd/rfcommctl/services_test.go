package main

import (
	"strings"
	"testing"

	"github.com/go-rfcomm/rfcomm/sdp"
)

func TestServicesPrintsText(t *testing.T) {
	f := newFake(t)
	vendor, err := sdp.ParseUUID("12345678-1234-5678-1234-56789abcdef0")
	if err != nil {
		t.Fatal(err)
	}
	anonymous := new(sdp.Record)
	anonymous.Set(sdp.AttributeServiceClassIDList, sdp.Sequence(sdp.UUIDElement(vendor)))
	f.records = []*sdp.Record{sdp.NewSerialPort("GPS\x1b[2J", 3), anonymous}
	stdout, stderr := f.runs(t, 0, "services", printerAddr.String())
	const want = `GPS\x1b[2J
  class     Serial Port (0x1101)
  channel   3
  profile   Serial Port 1.2

(a service without a name)
  class     12345678-1234-5678-1234-56789abcdef0
`
	if stdout != want || stderr != "" {
		t.Errorf("got\n%s%s\nwant\n%s", stdout, stderr, want)
	}
	stdout, _ = f.runs(t, 0, "services", printerAddr.String(), "-v")
	wantParts(t, stdout, "  channel   3\n", "ProtocolDescriptorList: ((L2CAP), (RFCOMM, uint8 ")
}

func TestServicesPrintsMachineForms(t *testing.T) {
	f := newFake(t)
	f.records = []*sdp.Record{sdp.NewSerialPort("a\u202e", 3), sdp.NewObjectPush("b", 4)}
	stdout, _ := f.runs(t, 0, "services", "00-aa-01-00-00-01", "--json")
	lines := strings.Split(strings.TrimSpace(stdout), "\n")
	if len(lines) != 2 || !strings.Contains(lines[0], `"0x0100":{"text":"a\u202e"}`) {
		t.Errorf("got %s", stdout)
	}
	wantJSON(t, stdout, lines...)
	for i, line := range lines {
		var parsed sdp.Record
		if err := parsed.UnmarshalJSON([]byte(line)); err != nil || parsed.Name() != f.records[i].Name() {
			t.Errorf("%s is %v, %v", line, parsed.Name(), err)
		}
	}
	stdout, _ = f.runs(t, 0, "services", "00-aa-01-00-00-01", "--xml")
	if strings.Count(stdout, "<?xml") != 2 {
		t.Errorf("got %s", stdout)
	}
}

func TestServicesPrintsPartOfAnswer(t *testing.T) {
	f := newFake(t)
	f.records = []*sdp.Record{sdp.NewSerialPort("GPS", 3)}
	f.err = opError(sdp.ErrMalformed)
	stdout, stderr := f.runs(t, statusOther, "services", printerAddr.String())
	wantError(t, stderr, sdp.ErrMalformed.Error())
	wantParts(t, stdout, "GPS\n")
}

func TestServicesNamesMissingService(t *testing.T) {
	f := newFake(t)
	_, stderr := f.runs(t, statusNotFound, "services", printerAddr.String())
	wantError(t, stderr, printerAddr.String(), "lists no services")
	_, stderr = f.runs(t, statusNotFound, "services", printerAddr.String()+"/spp")
	wantError(t, stderr, printerAddr.String(), "Serial Port (0x1101)", "rfcommctl services "+printerAddr.String())
}
