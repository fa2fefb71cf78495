//go:build linux

package main

import (
	"flag"
	"fmt"
	"io"
	"maps"
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm"
)

// A stack is one of the ways in which Go programs can use RFCOMM.
type stack interface {
	dial(near, far rfcomm.BDAddr, channel int) (io.ReadWriteCloser, error)
	listen(near rfcomm.BDAddr, channel int) (listener, error)

	// sendSeveral writes to all connections forever, size bytes at a time.
	sendSeveral(connections []io.ReadWriteCloser, size int) error
	// receiveSeveral reads from all connections until each has ended. It
	// reports the number of bytes of each read, and the connection.
	receiveSeveral(connections []io.ReadWriteCloser, came func(connection, n int)) error
}

type listener interface {
	accept() (io.ReadWriteCloser, error)
}

var stacks = map[string]stack{"library": libraryStack{}, "raw": rawStack{}}

// readSize is the length of an end's reads. It is the same as that of io.Copy.
const readSize = 32 << 10

// An endJob is a job and the addresses of both ends.
type endJob struct {
	job
	near []rfcomm.BDAddr
	far  rfcomm.BDAddr
	dir  string // the directory of the file

	role      string
	port, tty string // paths of serial ports
	cable     bool   // the program makes the port
	out       bool   // the program sends
}

// fileName is the name of the file in the directory of an endJob.
const fileName = "file"

// end runs one end of a connection in a process of its own.
func end(arguments []string) error {
	if len(arguments) < 2 {
		return fmt.Errorf("an end needs a stack and a role")
	}
	s, role := stacks[arguments[0]], arguments[1]
	if s == nil {
		return fmt.Errorf("no stack %q", arguments[0])
	}
	var j endJob
	flags := flag.NewFlagSet("end", flag.ExitOnError)
	flags.Func("near", "an adapter to dial from", func(word string) error {
		address, err := rfcomm.ParseBDAddr(word)
		j.near = append(j.near, address)
		return err
	})
	flags.Func("far", "the adapter to listen on", func(word string) (err error) {
		j.far, err = rfcomm.ParseBDAddr(word)
		return err
	})
	flags.IntVar(&j.channel, "channel", 0, "the channel, or the first of several")
	flags.IntVar(&j.size, "size", 0, "bytes in a write")
	flags.Int64Var(&j.step, "step", 1, "how much to count before saying so")
	flags.Int64Var(&j.count, "count", 1, "number of streams or connections")
	flags.Int64Var(&j.burst, "burst", 0, "writes until a pause")
	flags.StringVar(&j.dir, "dir", "", "the directory with the file")
	flags.StringVar(&j.port, "port", "", "the path of the serial port")
	flags.StringVar(&j.tty, "tty", "", "the path of the tty")
	flags.BoolVar(&j.cable, "cable", false, "make the serial port")
	flags.BoolVar(&j.out, "out", false, "the program at the serial port sends")
	flags.Parse(arguments[2:])
	j.role = role

	roles := map[string]func(stack, endJob) error{
		roleSend: send, roleReceive: receive,
		roleAsk: ask, roleEcho: echo,
		roleDial: dialMany, roleAccept: acceptMany,
		roleSendSeveral: sendSeveral, roleReceiveSeveral: receiveSeveral,
		roleServeBytes: serveBytes, roleGetBytes: getBytes, rolePutBytes: putBytes, roleTakeBytes: takeBytes,
		roleServe: serve, roleGet: get, roleFetch: fetch, rolePut: put,
		roleOffer: offer, roleSearch: search, roleDialService: dialService,
	}
	maps.Copy(roles, serialRoles)
	do := roles[role]
	if do == nil {
		return fmt.Errorf("no role %q", role)
	}
	return do(s, j)
}

// A counter prints the number of bytes received since it last printed one, in
// the format of rctest.
type counter struct {
	unit    string
	step    int64
	counted int64
}

func (c *counter) add(n int) {
	c.counted += int64(n)
	if c.counted >= c.step {
		fmt.Println(c.counted, c.unit)
		c.counted = 0
	}
}

// acceptOne listens, prints that it listens, and accepts one connection.
func acceptOne(s stack, j endJob) (io.ReadWriteCloser, error) {
	l, err := s.listen(j.far, j.channel)
	if err != nil {
		return nil, err
	}
	fmt.Println("listening")
	return l.accept()
}

func dialOne(s stack, j endJob) (io.ReadWriteCloser, error) {
	return s.dial(j.near[0], j.far, j.channel)
}

func send(s stack, j endJob) error {
	c, err := dialOne(s, j)
	if err != nil {
		return err
	}
	return j.writeForever(c)
}

func (j endJob) writeForever(c io.Writer) error {
	data := make([]byte, j.size)
	for writes := int64(1); ; writes++ {
		if _, err := c.Write(data); err != nil {
			return err
		}
		if j.burst > 0 && writes%j.burst == 0 {
			time.Sleep(burstPause)
		}
	}
}

func receive(s stack, j endJob) error {
	c, err := acceptOne(s, j)
	if err != nil {
		return err
	}
	return j.readAll(c)
}

// readAll reads until the end, and counts.
func (j endJob) readAll(c io.Reader) error {
	buffer := make([]byte, readSize)
	bytes := counter{unit: "bytes", step: j.step}
	for {
		n, err := c.Read(buffer)
		if err != nil {
			return ignoreEnd(err)
		}
		bytes.add(n)
	}
}

func ask(s stack, j endJob) error {
	c, err := dialOne(s, j)
	if err != nil {
		return err
	}
	data := make([]byte, j.size)
	trips := counter{unit: "trips", step: j.step}
	for {
		if _, err := c.Write(data); err != nil {
			return err
		}
		if _, err := io.ReadFull(c, data); err != nil {
			return err
		}
		trips.add(1)
	}
}

func echo(s stack, j endJob) error {
	c, err := acceptOne(s, j)
	if err != nil {
		return err
	}
	buffer := make([]byte, readSize)
	for {
		n, err := c.Read(buffer)
		if err != nil {
			return ignoreEnd(err)
		}
		if _, err := c.Write(buffer[:n]); err != nil {
			return err
		}
	}
}

// dialMany keeps its connections open, so that closing them is not measured.
func dialMany(s stack, j endJob) error {
	connections := counter{unit: "connections", step: j.step}
	var kept []io.Closer
	for number := range int(j.count) {
		c, err := s.dial(j.near[0], j.far, j.channel+number)
		if err != nil {
			return err
		}
		kept = append(kept, c)
		connections.add(1)
	}
	waitForKill(kept)
	return nil
}

func acceptMany(s stack, j endJob) error {
	var listeners []listener
	for number := range int(j.count) {
		l, err := s.listen(j.far, j.channel+number)
		if err != nil {
			return err
		}
		listeners = append(listeners, l)
	}
	fmt.Println("listening")
	var last io.Reader
	for _, l := range listeners { // in the order of the dials
		c, err := l.accept()
		if err != nil {
			return err
		}
		last = c
	}
	_, err := last.Read(make([]byte, 1)) // until the dialing end is gone
	return ignoreEnd(err)
}

func sendSeveral(s stack, j endJob) error {
	var connections []io.ReadWriteCloser
	for _, adapter := range j.near[:j.count] {
		c, err := s.dial(adapter, j.far, j.channel)
		if err != nil {
			return err
		}
		connections = append(connections, c)
	}
	return s.sendSeveral(connections, j.size)
}

func receiveSeveral(s stack, j endJob) error {
	l, err := s.listen(j.far, j.channel)
	if err != nil {
		return err
	}
	fmt.Println("listening")
	var connections []io.ReadWriteCloser
	for range j.count {
		c, err := l.accept()
		if err != nil {
			return err
		}
		connections = append(connections, c)
	}
	bytes := counter{unit: "bytes", step: j.step}
	shares := make([]int64, len(connections))
	err = s.receiveSeveral(connections, func(connection, n int) {
		shares[connection] += int64(n)
		bytes.add(n)
	})
	fmt.Printf("slowest %.3f\n", slowest(shares))
	return err
}

// slowest returns the smallest share, divided by an equal share.
func slowest(shares []int64) float64 {
	var sum int64
	least := shares[0]
	for _, share := range shares {
		sum += share
		least = min(least, share)
	}
	if sum == 0 {
		return 0
	}
	return float64(least) * float64(len(shares)) / float64(sum)
}

// waitForKill keeps connections open until the process is killed.
func waitForKill(kept any) {
	for {
		unix.Pause()
		runtime.KeepAlive(kept)
	}
}
