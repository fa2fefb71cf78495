package daemons

import (
	"bufio"
	"net"
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
