//go:build linux

// Guest is the supervisor inside the lab's virtual machine. It makes two
// virtual adapters in range of each other (package rfcommtest), serves the
// requests of tests, runs one command, and reports that command's exit status.
// lab/run builds it, and lab/init starts it. Outside the machine, lab/run also
// uses it to relay the output from the machine's port.
package main

import (
	"errors"
	"fmt"
	"os"
	"time"
)

// Files of the supervisor. The directory is on a file system of its own, and
// hides no file of the machine.
const (
	runDirectory  = "/run/rfcomm-lab"
	controlSocket = runDirectory + "/control"
)

func main() {
	var err error
	switch {
	case len(os.Args) == 3 && os.Args[1] == "supervise":
		err = superviseAndReport(os.Args[2])
	case len(os.Args) == 3 && os.Args[1] == "relay":
		err = relay(os.Args[2])
	default:
		err = errors.New("usage: guest supervise DIRECTORY (inside, by lab/init) or guest relay FILE (outside, by lab/run)")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "guest:", err)
		os.Exit(1)
	}
}

// superviseAndReport runs the job in a directory and reports its end. It
// returns only if it cannot report. Otherwise lab/run ends the machine, since
// only lab/run knows that it has received the reports.
func superviseAndReport(dir string) error {
	p, err := openPort()
	if err != nil {
		return err
	}
	if code, err := supervise(dir, p); err != nil {
		p.report(reportFailed, err.Error())
	} else {
		p.report(reportExit, fmt.Sprint(code))
	}
	select {}
}

// supervise prepares the lab and runs the job. An error means that the lab
// itself failed, not the command.
func supervise(dir string, p *port) (code int, err error) {
	job, err := readJob(dir)
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

	// Shortly before the time limit at which lab/run ends the command.
	go showBlockedTasks(time.Until(job.deadline) - 3*time.Second)
	p.report(reportStarted, "")
	code, note := job.run(p)
	if note != "" {
		p.report(reportNote, note)
	}
	return code, nil
}
