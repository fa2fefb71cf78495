//go:build linux

package main

import (
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"slices"
)

// The names of the peers, as the tables have them.
const (
	thisLibrary = "this library"
	rawCalls    = "raw system calls"
	rctest      = "rctest"
	python      = "Python socket"
)

// What an end of a connection does. Listening ends say that they listen; those
// that count say how much has come since they said so last, such as "4096 bytes".
const (
	roleSend    = "send"    // dials and writes for ever
	roleReceive = "receive" // accepts, reads and counts
	roleAsk     = "ask"     // dials, writes, waits for the same amount, and counts the trips
	roleEcho    = "echo"    // accepts and writes back what it reads
	roleDial    = "dial"    // dials channel after channel and counts the connections
	roleAccept  = "accept"  // accepts on many channels

	roleSendSeveral    = "send-several"    // dials from several adapters and writes to all
	roleReceiveSeveral = "receive-several" // accepts several and counts the sum
)

// A job is what both ends of a connection have to know.
type job struct {
	channel int   // or the first of several
	size    int   // bytes in a write
	step    int64 // how much to count before saying so
	count   int64 // of streams or connections
	burst   int64 // writes until a pause; 0: none pauses
}

// A peer is a program to measure.
type peer struct {
	name  string
	roles []string
	ready string // what a listening end says when it listens
	// command returns the command line of an end.
	command func(r *radio, role string, j job) []string
}

//go:embed peer.py
var pythonEnd string

// debianPython is the Python that has Debian's packages; there may be others.
const debianPython = "/usr/bin/python3"

var allRoles = []string{
	roleSend, roleReceive, roleAsk, roleEcho, roleDial, roleAccept, roleSendSeveral, roleReceiveSeveral,
}

// allPeers are those that this machine has.
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

// endCommand makes command lines for the ends that this program has itself.
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
		// It reads as much as fits between two of its lines.
		return []string{"rctest", "-r", "-i", r.listening.String(), "-P", channel, "-b", fmt.Sprint(j.step)}
	}
	command := []string{"rctest", "-s", "-i", r.dialing[0].String(), "-P", channel, "-b", fmt.Sprint(j.size)}
	if j.burst > 0 {
		command = append(command, "-C", fmt.Sprint(j.burst), "-D", fmt.Sprint(burstPause.Milliseconds()))
	}
	return append(command, r.listening.String())
}

func (p peer) plays(role string) bool { return slices.Contains(p.roles, role) }
