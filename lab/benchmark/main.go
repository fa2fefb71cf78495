//go:build linux

// The program benchmark measures this module side by side with its
// alternatives, over virtual Bluetooth adapters, and prints a table for each
// subject. lab/bench builds it and runs it in the lab.
//
// Each end of a connection is a process of its own, so that its CPU time is
// separate from that of the other programs and of the radio. The ends of this
// module and of raw system calls are this program too, run with the argument
// "end".
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm/rfcommtest"
)

// A section is one subject and prints its tables.
type section struct {
	name string
	run  func(*bench) error
}

// sections are in the order in which they run. The sections that start daemons,
// which change the adapters, are last.
var sections = []section{
	{"streams", streams},
	{"roundtrips", roundTrips},
	{"connections", connections},
	{"several", severalStreams},
	{"files", files},
	{"goodput", goodput},
	{"airtime", airTime},
	{"sizes", sizeCurve},
	{"serial", serialPorts},
	{"services", services},
	{"obex", obex},
}

// A bench is one run of this program.
type bench struct {
	radio  *radio
	peers  []peer
	effort effort
	goals  goals

	lastChannel int
}

// An effort specifies how much is measured.
type effort struct {
	rounds      int
	bytes       int64 // the bytes of a stream
	smallBytes  int64 // the bytes of a stream in the smallest writes
	fileBytes   int64
	trips       int64
	connections int64
	searches    int64

	goodputRounds int
	goodputBytes  int64

	airRounds     int // few, since the load of the machine does not change the slots
	airBytes      int64
	smallAirBytes int64
	curveSizes    []int
}

var (
	fullEffort = effort{
		rounds: 5, bytes: 4 << 20, smallBytes: 1 << 20, fileBytes: 4 << 20,
		trips: 400, connections: 20, searches: 10,
		goodputRounds: 3, goodputBytes: 8 << 20,
		airRounds: 2, airBytes: 192 << 10, smallAirBytes: 24 << 10, curveSizes: curveSizes,
	}
	quickEffort = effort{
		rounds: 3, bytes: 1 << 20, smallBytes: 256 << 10, fileBytes: 1 << 20,
		trips: 100, connections: 20, searches: 5,
		goodputRounds: 1, goodputBytes: 8 << 20,
		airRounds: 1, airBytes: 96 << 10, smallAirBytes: 12 << 10, curveSizes: writeSizes,
	}
)

func main() {
	var err error
	if len(os.Args) > 1 && os.Args[1] == "end" {
		err = end(os.Args[2:])
	} else {
		err = measureAll()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "benchmark:", err)
		os.Exit(1)
	}
}

func measureAll() error {
	quick := flag.Bool("quick", false, "measure less")
	only := flag.String("only", "", "the sections to run, with commas between; empty: all")
	flag.Parse()
	chosen, err := choose(*only)
	if err != nil {
		return err
	}
	// It disconnects links and starts daemons, and must not do so outside the
	// lab.
	if os.Getenv("RFCOMM_LAB") == "" {
		return errors.New("not in the lab; lab/bench runs this program there")
	}
	b := &bench{effort: fullEffort, peers: allPeers()}
	if *quick {
		b.effort = quickEffort
	}
	if b.radio, err = newRadio(rfcommtest.Config{Controllers: 1 + slices.Max(severalCounts)}); err != nil {
		return fmt.Errorf("the radio: %w", err)
	}
	defer b.radio.close()
	if err := b.printConditions(); err != nil {
		return err
	}
	var failed error
	for _, s := range chosen {
		begun := time.Now()
		if err := s.run(b); err != nil {
			// The other sections may still succeed.
			fmt.Printf("\n%s: %v\n", s.name, err)
			failed = fmt.Errorf("%s: %w", s.name, err)
		}
		progress("%s took %v", s.name, time.Since(begun).Round(time.Second))
	}
	b.goals.print()
	return failed
}

// choose returns the sections with these names, in their usual order.
func choose(names string) ([]section, error) {
	if names == "" {
		return sections, nil
	}
	var chosen []section
	words := strings.Split(names, ",")
	for _, s := range sections {
		if i := slices.Index(words, s.name); i >= 0 {
			chosen = append(chosen, s)
			words = slices.Delete(words, i, i+1)
		}
	}
	if len(words) > 0 {
		return nil, fmt.Errorf("no section %q; there are: %s", words, strings.Join(sectionNames(), " "))
	}
	return chosen, nil
}

func sectionNames() []string {
	var names []string
	for _, s := range sections {
		names = append(names, s.name)
	}
	return names
}

// printConditions prints the conditions under which the figures were measured.
func (b *bench) printConditions() error {
	var system unix.Utsname
	if err := unix.Uname(&system); err != nil {
		return err
	}
	text := func(field []byte) string { return unix.ByteSliceToString(field) }
	fmt.Printf("Linux %s (%s), %s, %s, %d processors, emulated.\n", text(system.Release[:]), text(system.Version[:]),
		time.Now().UTC().Format(time.DateOnly), runtime.Version(), runtime.NumCPU())
	fmt.Printf("The radio is that of package rfcommtest, with %d controllers with default settings. Data takes no time on the air unless a table says so.\n", 1+len(b.radio.dialing))
	fmt.Printf("%d rounds; all peers take turns in each round. A figure is the median of the rounds; in brackets are the lowest and the highest, if they differ. A column with × is about the quotients of the rounds.\n", b.effort.rounds)
	return nil
}

// progress prints the progress of the run. By the first word of these lines,
// lab/bench separates them from the tables.
func progress(format string, arguments ...any) {
	fmt.Printf("bench: "+format+"\n", arguments...)
}
