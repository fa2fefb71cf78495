package daemons

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// GpsdAddress is the address at which gpsd serves its clients.
const GpsdAddress = "127.0.0.1:2947"

// Gpsd starts gpsd on at least one device: a tty, or the address of a Bluetooth
// device, to whose RFCOMM channel 1 gpsd then connects. It opens the devices at
// once and never writes to them. The daemon is ready when it greets clients,
// which it does after it has opened its devices.
func Gpsd(t testing.TB, devices []string, o Options) *Daemon {
	t.Helper()
	// Without --readonly, gpsd first sends commands that some receivers know,
	// which takes it about 10 s.
	arguments := append([]string{"gpsd", "--foreground", "--nowait", "--readonly", "--debug", "4"}, o.Args...)
	return run(t, program{
		name:    "gpsd",
		pkg:     "gpsd",
		command: append(arguments, devices...),
		ready:   awaitGreeting,
	})
}

// awaitGreeting waits until gpsd greets a client. It polls, since nothing
// reports that a port can be connected to.
func awaitGreeting(d *Daemon) {
	d.t.Helper()
	end := time.Now().Add(patience)
	for {
		err := greeted(end)
		if err == nil {
			return
		}
		select {
		case <-d.ended:
			d.t.Fatal("gpsd ended before it greeted a client")
		case <-time.After(10 * time.Millisecond):
		}
		if time.Now().After(end) {
			d.t.Fatalf("gpsd: timed out waiting for a greeting: %v", err)
		}
	}
}

// greeted connects to gpsd and reads its greeting.
func greeted(end time.Time) error {
	conn, err := net.Dial("tcp", GpsdAddress)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(end); err != nil {
		return err
	}
	_, err = bufio.NewReader(conn).ReadString('\n')
	return err
}

// WantPosition checks that gpsd reports the position that its receiver sends. It
// writes the receiver's sentences from gpsd's first answer on: a Bluetooth socket of
// gpsd 3.22 is blocking, so that gpsd serves no client once it has begun to read it.
func WantPosition(t testing.TB, receiver io.Writer) {
	t.Helper()
	conn, err := net.Dial("tcp", GpsdAddress)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintln(conn, `?WATCH={"enable":true,"json":true};`)
	reported := make(chan struct{})
	var sender sync.WaitGroup
	defer sender.Wait() // afterwards, the test may close the receiver
	defer close(reported)
	var got []string
	for lines := bufio.NewScanner(conn); lines.Scan(); {
		if strings.Contains(lines.Text(), `"class":"WATCH"`) {
			sender.Go(func() { sendPosition(receiver, reported) })
		}
		if strings.Contains(lines.Text(), `"lat":48.1173`) && strings.Contains(lines.Text(), `"lon":11.516666667`) {
			return
		}
		got = append(got, lines.Text())
	}
	t.Errorf("gpsd has not reported the position: %q", got)
}

// sendPosition writes the sentences of one second after the other, until done is
// closed or the receiver is.
func sendPosition(receiver io.Writer, done <-chan struct{}) {
	interval := time.NewTicker(100 * time.Millisecond)
	defer interval.Stop()
	for second := 0; ; second++ {
		now := fmt.Sprintf("12%02d%02d", second/60%60, second%60)
		if _, err := io.WriteString(receiver, nmea("GPRMC,"+now+",A,4807.038,N,01131.000,E,022.4,084.4,230326,003.1,W")+
			nmea("GPGGA,"+now+",4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,")); err != nil {
			return
		}
		select {
		case <-interval.C:
		case <-done:
			return
		}
	}
}

// nmea returns a sentence with its checksum (NMEA 0183).
func nmea(text string) string {
	var sum byte
	for _, b := range []byte(text) {
		sum ^= b
	}
	return fmt.Sprintf("$%s*%02X\r\n", text, sum)
}
