package examples_test

import (
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
)

// nmea returns a sentence with its checksum (NMEA 0183).
func nmea(text string) string {
	var sum byte
	for _, b := range []byte(text) {
		sum ^= b
	}
	return fmt.Sprintf("$%s*%02X\r\n", text, sum)
}

// A gpsReceiver is a scripted receiver: it sends each text to the connection that
// it has then. The text "" ends the connection.
type gpsReceiver chan string

// serve sends texts to a client until the connection is to end, or has ended.
func (r gpsReceiver) serve(conn net.Conn) {
	defer conn.Close()
	for text := range r {
		if text == "" {
			return
		}
		if _, err := io.WriteString(conn, text); err != nil {
			return
		}
	}
}

// Write sends a text.
func (r gpsReceiver) Write(text []byte) (int, error) {
	r <- string(text)
	return len(text), nil
}

// newGPSReceiver returns a receiver that serves the clients of a listener, one
// after the other, until the test ends.
func newGPSReceiver(t *testing.T, listener net.Listener) gpsReceiver {
	r, ended := make(gpsReceiver), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			r.serve(conn)
		}
	}()
	t.Cleanup(func() {
		listener.Close()
		close(r)
		<-ended
	})
	return r
}

// newWiFiReceiver returns a receiver with its TCP address.
func newWiFiReceiver(t *testing.T) (r gpsReceiver, address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return newGPSReceiver(t, listener), listener.Addr().String()
}

// A client connects in the middle of a sentence.
var (
	sentencesBefore = "31.000,E,1,08,0.9,545.4,M,46.9,M,,*47\r\n" + nmea("GPGSV,1,1,00") +
		nmea("GPGGA,120000,,,,,0,03,,,M,,M,,") + nmea("GPRMC,120001,A,4807.038,N,01131.000,E,022.4,084.4,230326,003.1,W")
	position = nmea("GPGGA,120001,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,")
)

// checkPositions checks the output of the program gps.
func checkPositions(t *testing.T, stdout string) {
	t.Helper()
	if want := "12:00:00 UTC: no position, 3 satellites\n12:00:01 UTC: 48.117300, 11.516667, 8 satellites\n"; stdout != want {
		t.Errorf("it printed %q, want %q", stdout, want)
	}
}

func TestGPSPrintsPositions(t *testing.T) {
	receiver, address := newWiFiReceiver(t)
	program := launch(t, "gps", []string{"-connect", address})
	for _, text := range []string{sentencesBefore, position[:10], position[10:]} {
		receiver <- text
	}
	program.await(t, "8 satellites\n")
	checkPositions(t, program.stdout.String())
	program.interrupt(t)
	program.end(t, 0)
	checkSilent(t, program.stderr.String())
}

func TestGPSReportsHangup(t *testing.T) {
	receiver, address := newWiFiReceiver(t)
	program := launch(t, "gps", []string{"-connect", address})
	receiver <- position
	receiver <- ""
	program.end(t, 1)
	checkText(t, program.stdout.String(), "48.117300, 11.516667")
	checkOneLine(t, program.stderr.String(), "gps: ")
}

// Text that a receiver sends must not reach the terminal.
func TestGPSEscapesText(t *testing.T) {
	receiver, address := newWiFiReceiver(t)
	program := launch(t, "gps", []string{"-connect", address})
	receiver <- nmea("GPGGA,\x1b[2J,4807.038,N,01131.000,E,1,\x1b[2J,0.9,545.4,M,46.9,M,,") + position
	program.await(t, "8 satellites\n")
	if text := program.stdout.String(); strings.Contains(text, "\x1b") {
		t.Errorf("it printed %q", text)
	}
}
