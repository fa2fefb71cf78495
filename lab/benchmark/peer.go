//go:build linux

package main

import (
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"slices"
)

// The names of the peers in the tables.
const (
	thisLibrary = "this library"
	rawCalls    = "raw system calls"
	rctest      = "rctest"
	python      = "Python socket"
)

// The roles of an end of a connection. A listening end prints that it listens.
// An end that counts prints the amount since its last line, such as "4096
// bytes".
const (
	roleSend    = "send"    // dials and writes forever
	roleReceive = "receive" // accepts, reads and counts
	roleAsk     = "ask"     // dials, writes, waits for the same amount, and counts the round trips
	roleEcho    = "echo"    // accepts and writes back what it reads
	roleDial    = "dial"    // dials channel after channel and counts the connections
	roleAccept  = "accept"  // accepts on many channels

	roleSendSeveral    = "send-several"    // dials from several adapters and writes to all
	roleReceiveSeveral = "receive-several" // accepts several and counts the sum
)

// A job holds the parameters of both ends of a connection.
type job struct {
	channel int   // the channel, or the first of several
	size    int   // the bytes of a write
	step    int64 // the amount to count before printing a line
	count   int64 // the number of streams or connections
	burst   int64 // the number of writes until a pause; if 0, there is no pause
}

// A peer is a program to measure.
type peer struct {
	name  string
	roles []string
	ready string // the text that a listening end prints when it listens
	// command returns the command line that starts an end.
	command func(r *radio, role string, j job) []string
}

//go:embed peer.py
var pythonEnd string

// debianPython is the Python interpreter with Debian's packages. Others may
// exist.
const debianPython = "/usr/bin/python3"

var allRoles = []string{
	roleSend, roleReceive, roleAsk, roleEcho, roleDial, roleAccept, roleSendSeveral, roleReceiveSeveral,
}

// allPeers returns the peers that exist on this machine.
func allPeers() []peer {
	peers := []peer{
		{thisLibrary, allRoles, "listening", endCommand("library")},
		{rctest, []string{roleSend, roleReceive}, "Waiting for connection", rctestCommand},
		{python, []string{roleSend, roleReceive, roleAsk, roleEcho, roleDial, roleAccept}, "listening", pythonCommand},
		{rawCalls, allRoles, "listening", endCommand("raw")},
	}
	return slices.DeleteFunc(peers, func(p peer) bool {
		program := map[string]string{rctest: "rctest", python: debianPython}[p.name]
		if program == "" {
			return false
		}
		_, err := exec.LookPath(program)
		if err != nil {
			progress("left out: %v", err)
		}
		return err != nil
	})
}

// endCommand returns a function that returns command lines for the ends of this
// program.
func endCommand(stack string) func(*radio, string, job) []string {
	return func(r *radio, role string, j job) []string {
		self, err := os.Executable()
		if err != nil {
			panic(err)
		}
		command := []string{self, "end", stack, role, "-far", r.listening.String(),
			"-channel", fmt.Sprint(j.channel), "-size", fmt.Sprint(j.size),
			"-step", fmt.Sprint(j.step), "-count", fmt.Sprint(j.count),
			"-burst", fmt.Sprint(j.burst)}
		for _, adapter := range r.dialing {
			command = append(command, "-near", adapter.String())
		}
		return command
	}
}

func pythonCommand(r *radio, role string, j job) []string {
	return []string{debianPython, "-c", pythonEnd, role, r.dialing[0].String(), r.listening.String(),
		fmt.Sprint(j.channel), fmt.Sprint(j.size), fmt.Sprint(j.step), fmt.Sprint(j.count)}
}

func rctestCommand(r *radio, role string, j job) []string {
	channel := fmt.Sprint(j.channel)
	if role == roleReceive {
		// Its reads are as long as the amount between two of its lines.
		return []string{"rctest", "-r", "-i", r.listening.String(), "-P", channel, "-b", fmt.Sprint(j.step)}
	}
	command := []string{"rctest", "-s", "-i", r.dialing[0].String(), "-P", channel, "-b", fmt.Sprint(j.size)}
	if j.burst > 0 {
		command = append(command, "-C", fmt.Sprint(j.burst), "-D", fmt.Sprint(burstPause.Milliseconds()))
	}
	return append(command, r.listening.String())
}

func (p peer) plays(role string) bool { return slices.Contains(p.roles, role) }
