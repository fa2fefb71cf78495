//go:build linux

// Guest is the supervisor inside the lab's virtual machine. It brings up two
// virtual adapters within reach of each other (package rfcommtest), serves the requests of the
// tests, runs one command, and reports how that command ended. lab/run builds
// it, lab/init starts it, and lab/run uses it as the outer end of its port, too.
package main

import (
	"errors"
	"fmt"
	"os"
	"time"
)

// Where the supervisor keeps what belongs to it. The folder is on a file
// system of its own and hides nothing of the machine's.
const (
	runFolder     = "/run/rfcomm-lab"
	controlSocket = runFolder + "/control"
)

func main() {
	var err error
	switch {
	case len(os.Args) == 3 && os.Args[1] == "supervise":
		err = superviseAndReport(os.Args[2])
	case len(os.Args) == 3 && os.Args[1] == "relay":
		err = relay(os.Args[2])
	default:
		err = errors.New("usage: guest supervise FOLDER (inside, by lab/init) or guest relay FILE (outside, by lab/run)")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "guest:", err)
		os.Exit(1)
	}
}

// superviseAndReport runs the job of a folder and reports its end. It returns
// only when there is no way to report; otherwise lab/run ends the machine, for
// only the outside knows that the reports have come through.
func superviseAndReport(folder string) error {
	p, err := openPort()
	if err != nil {
		return err
	}
	if code, err := supervise(folder, p); err != nil {
		p.report(reportFailed, err.Error())
	} else {
		p.report(reportExit, fmt.Sprint(code))
	}
	select {}
}

// supervise prepares the lab and runs the job. An error means that the lab
// itself failed, not the command.
func supervise(folder string, p *port) (code int, err error) {
	job, err := readJob(folder)
	if err != nil {
		return 0, err
	}
	if err := loopbackUp(); err != nil {
		return 0, err
	}
	lab, err := newLab()
	if err != nil {
		return 0, err
	}
	if err := lab.serve(controlSocket); err != nil {
		return 0, err
	}

	// A little before lab/run ends a command that takes too long.
	go showBlockedTasks(time.Until(job.deadline) - 3*time.Second)
	p.report(reportStarted, "")
	code, note := job.run(p)
	if note != "" {
		p.report(reportNote, note)
	}
	return code, nil
}
