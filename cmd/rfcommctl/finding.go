package main

import (
	"fmt"

	"github.com/go-rfcomm/rfcomm"
)

// The states of a finding.
const (
	stateOK        = "ok"
	stateWarning   = "warning"   // some uses do not work
	stateProblem   = "problem"   // commands do not work
	stateUnchecked = "unchecked" // another problem, or the time, prevents the check
)

// The checks of an adapter.
const (
	checkRfkill      = "rfkill"
	checkPower       = "power"
	checkPageScan    = "page scan"
	checkInquiryScan = "inquiry scan"
)

// A finding is the result of a check of this machine. It is also the form of
// the result with --json.
type finding struct {
	Check   string `json:"check"`
	Adapter string `json:"adapter,omitempty"`
	State   string `json:"state"`
	Detail  string `json:"detail"`
	// Remedy is a command or, if none helps, a sentence.
	Remedy string `json:"remedy,omitempty"`

	status int // of a problem: the exit status
}

// problem returns a finding that keeps commands from working.
func problem(status int, detail, remedy string) finding {
	return finding{State: stateProblem, Detail: detail, Remedy: remedy, status: status}
}

// warning returns a finding that keeps some uses from working.
func warning(detail, remedy string) finding {
	return finding{State: stateWarning, Detail: detail, Remedy: remedy}
}

// ok returns a finding of something that works.
func ok(detail string) finding { return finding{State: stateOK, Detail: detail} }

// unchecked returns a finding of a check that is not possible.
func unchecked(detail string) finding { return finding{State: stateUnchecked, Detail: detail} }

// adapterFindings returns the results of the checks of an adapter. The texts call
// it by the given name. Changes are left to bluetoothd if it runs.
func (t *tool) adapterFindings(a rfcomm.Adapter, name string, daemon bool) []finding {
	findings := t.rfkillFindings(a, name)
	blocked := findings[0].State == stateProblem
	findings = append(findings, powerFinding(a, name, t.changeCommand(a, daemon, "--power on", "power on"), blocked))
	findings = append(findings, t.scanFindings(a, name, daemon)...)
	for i := range findings {
		findings[i].Adapter = a.Name
	}
	return findings
}

// changeCommand returns the command that changes an adapter.
func (t *tool) changeCommand(a rfcomm.Adapter, daemon bool, flags, request string) string {
	if daemon {
		return "rfcommctl adapters -i " + a.Name + " " + flags
	}
	return t.host.asRoot(fmt.Sprintf("btmgmt --index %d %s", a.Index, request))
}

// rfkillFindings returns how rfkill blocks an adapter, by the state of its switch
// (Documentation/ABI/stable/sysfs-class-rfkill in Linux).
func (t *tool) rfkillFindings(a rfcomm.Adapter, name string) (findings []finding) {
	switches := "sys/class/bluetooth/" + a.Name + "/rfkill*"
	if t.host.isOn(switches + "/hard") {
		findings = append(findings, problem(statusNotFound, "a switch of this machine blocks "+name+" (rfkill)",
			"use the switch, or the key for airplane mode"))
	}
	if t.host.isOn(switches + "/soft") {
		findings = append(findings, problem(statusNotFound, name+" is blocked (rfkill)", t.host.unblock()))
	}
	if findings == nil {
		findings = []finding{ok(name + " is not blocked")}
	}
	for i := range findings {
		findings[i].Check = checkRfkill
	}
	return findings
}

// powerFinding returns whether an adapter is on.
func powerFinding(a rfcomm.Adapter, name, remedy string, blocked bool) finding {
	f := ok(name + " is on")
	switch {
	case a.Up:
	case blocked:
		f = firstSolve(checkRfkill)
	default:
		f = problem(statusNotFound, name+" is off", remedy)
	}
	f.Check = checkPower
	return f
}

// scanFindings returns whether devices can connect to an adapter, and find it.
func (t *tool) scanFindings(a rfcomm.Adapter, name string, daemon bool) []finding {
	page, inquiry := firstSolve(checkPower), firstSolve(checkPower)
	if a.Up {
		page, inquiry = ok("devices can connect to "+name), ok("scans of other devices find "+name)
		if !a.PageScan {
			page = warning("no device can connect to "+name+", only from here", t.changeCommand(a, daemon, "--discoverable 3m", "connectable on"))
		}
		if !a.InquiryScan {
			inquiry = ok("scans of other devices do not find " + name + ", which only a new device needs")
		}
	}
	page.Check, inquiry.Check = checkPageScan, checkInquiryScan
	return []finding{page, inquiry}
}

// firstSolve returns the finding of a check that another problem prevents.
func firstSolve(check string) finding { return unchecked("first solve: " + check) }

// adapterProblems returns what keeps an adapter from working, with the remedies.
// It is never nil, so that JSON has a list.
func (t *tool) adapterProblems(a rfcomm.Adapter) []string {
	problems := []string{}
	for _, f := range t.adapterFindings(a, "it", true) {
		if f.Remedy != "" {
			problems = append(problems, f.Detail+": "+f.Remedy)
		}
	}
	return problems
}
