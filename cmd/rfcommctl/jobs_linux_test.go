package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
	"github.com/go-rfcomm/rfcomm/internal/test/labtest"
	"github.com/go-rfcomm/rfcomm/sdp"
)

// pageAddress is the address of the device in pages. In the lab, it is the far
// adapter.
const pageAddress = "01:23:45:67:89:AB"

// A pageJob is a section of docs/jobs.md while it is run.
type pageJob struct {
	*testing.T
	*radio
	section
	dir     string // of the commands
	replace []string
	typed   []string // lines that a person types, in this order
}

// An onScreen is a command at a terminal of 80 columns.
type onScreen struct {
	shown
	terminal *hosttest.Terminal
	command  *exec.Cmd
	ended    <-chan error
}

// A stage prepares the devices and the files of a section of docs/jobs.md, and
// returns a function that acts as the people and programs that are not on the page,
// and checks the effects.
type stage func(*pageJob) (check func())

// stages are the stages of the sections that need no bluetoothd, by their titles.
var stages = map[string]stage{
	"Print to a receipt printer":                   stagePrinter,
	"Read an OBD adapter":                          stageOBD,
	"Log a GPS receiver":                           stageGPSLog,
	"Give a serial port to gpsd":                   stageGPSPort,
	"Connect a scale or a PLC on a serial port":    stageScale,
	"Share a directory":                            stageShare,
	"Collect files from machines without a screen": stageCollect,
	"Test the range":                               stageRange,
}

// daemonStages are those of the sections that need bluetoothd.
var daemonStages = map[string]stage{
	"Find out why it does not work": stageDoctor,
	"Answer a phone":                stagePhone,
}

// TestRFCOMMJobs runs the command lines of docs/jobs.md, as user nobody, and
// compares what they print with the page.
func TestRFCOMMJobs(t *testing.T) {
	r := overRFCOMM(t)
	r.Sync()
	r.Pair()
	runPage(t, r, stages)
}

// testJobs runs those that need bluetoothd.
func testJobs(t *testing.T, r *radio) { runPage(t, r, daemonStages) }

// TestJobsHaveStages finds sections of the page that nothing runs.
func TestJobsHaveStages(t *testing.T) {
	count := 0
	for _, s := range sections(readPage(t, "docs/jobs.md")) {
		if s.number == "" {
			continue
		}
		if count++; stages[s.title] == nil && daemonStages[s.title] == nil {
			t.Errorf("nothing runs %q", s.title)
		}
	}
	if all := len(stages) + len(daemonStages); count != all || count != 10 {
		t.Errorf("the page has %d jobs, and %d are run", count, all)
	}
}

// runPage runs the sections that have stages.
func runPage(t *testing.T, r *radio, stages map[string]stage) {
	bin := filepath.Join(r.cache, "bin")
	if err := os.Mkdir(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(labtest.AsNobody(t).Path, filepath.Join(bin, "rfcommctl")); err != nil {
		t.Fatal(err)
	}
	for _, s := range sections(readPage(t, "docs/jobs.md")) {
		prepare := stages[s.title]
		if prepare == nil {
			continue
		}
		t.Run(s.title, func(t *testing.T) {
			j := &pageJob{T: t, radio: r, section: s, dir: r.directory(t)}
			j.replace = []string{pageAddress, r.far.String()}
			check := prepare(j)
			j.runTranscripts(check)
		})
	}
}

// runTranscripts runs the commands of the section, one after the other. The last one
// of a block that is interrupted runs until the end of the section, after the check.
func (j *pageJob) runTranscripts(check func()) {
	j.Helper()
	var running []*onScreen
	for _, s := range j.transcripts {
		for i, c := range s {
			o := j.start(c)
			if c.interrupted || slices.ContainsFunc(c.output, typedAfter.MatchString) {
				j.converse(o)
			}
			if c.interrupted && i == len(s)-1 {
				running = append(running, o)
				continue
			}
			j.finish(o)
		}
	}
	check()
	for _, o := range running {
		j.finish(o)
	}
}

// start starts a command at a terminal of its own.
func (j *pageJob) start(c shown) *onScreen {
	j.Helper()
	o := &onScreen{shown: c, terminal: hosttest.OpenTerminal(j.T)}
	if err := unix.IoctlSetWinsize(int(o.terminal.Slave.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 80}); err != nil {
		j.Fatal(err)
	}
	line := strings.NewReplacer(j.replace...).Replace(c.line)
	o.command = exec.CommandContext(j.Context(), "/bin/bash", "-c", line)
	o.command.Dir = j.dir
	o.command.Env = append(programEnvironment(j.cache), "PATH="+filepath.Join(j.cache, "bin")+":"+os.Getenv("PATH"))
	labtest.SetNobody(o.command)
	o.command.SysProcAttr.Setpgid = true
	o.command.Stdin, o.command.Stdout, o.command.Stderr = o.terminal.Slave, o.terminal.Slave, o.terminal.Slave
	if err := o.command.Start(); err != nil {
		j.Fatal(err)
	}
	o.ended = hosttest.InBackground(o.command.Wait)
	j.Cleanup(func() {
		syscall.Kill(-o.command.Process.Pid, syscall.SIGKILL) // what a failed test has left
		if j.Failed() {
			j.Logf("$ %s\n%s", o.line, j.onPage(o))
		}
	})
	return o
}

// typedAfter matches the text on a line before what a person types.
var typedAfter = regexp.MustCompile(`^>|\[y/N\] `)

// converse waits for what a command prints until it is interrupted, or until a line
// "…", and types what a person types.
func (j *pageJob) converse(o *onScreen) {
	j.Helper()
	for i, line := range o.output[:len(o.output)-1] {
		if line == "…" {
			return
		}
		mark, typed := "", line
		if at := typedAfter.FindStringIndex(line); at != nil {
			mark, typed = line[:at[1]], line[at[1]:]
		}
		if len(j.typed) == 0 || typed != j.typed[0] {
			j.awaitLines(o, o.output[:i+1])
			continue
		}
		if j.typed = j.typed[1:]; mark == "" {
			j.awaitLines(o, o.output[:i])
		} else {
			j.awaitLines(o, append(slices.Clone(o.output[:i]), mark))
		}
		o.terminal.Type(j, typed+"\n")
	}
}

// awaitLines waits until a command has printed lines of the page.
func (j *pageJob) awaitLines(o *onScreen, lines []string) {
	j.Helper()
	hosttest.Eventually(j, strings.Join(lines, "\n"), func() bool { return len(o.ended) > 0 || j.prints(o, lines, true) })
}

// finish interrupts a command, if the page does, waits for its end, and compares its
// output. The shell ends a loop itself.
func (j *pageJob) finish(o *onScreen) {
	j.Helper()
	status := 0
	if o.interrupted {
		syscall.Kill(-o.command.Process.Pid, syscall.SIGINT)
	}
	if o.interrupted && strings.HasPrefix(o.line, "rfcommctl ") {
		status = 130
	}
	err := hosttest.Receive(j, o.ended)
	const end = "\x00the end"
	fmt.Fprint(o.terminal.Slave, end)
	hosttest.Eventually(j, "the end of the output", func() bool { return strings.Contains(o.terminal.String(), end) })
	if got := exitStatus(j.T, err); got != status {
		j.Errorf("%s: status %d, want %d", o.line, got, status)
	}
	if !j.prints(o, o.output, false) {
		j.Errorf("%s: the page has\n%s", o.line, strings.Join(o.output, "\n"))
	}
	j.Logf("$ %s\n%s", o.line, j.onPage(o))
}

// escapes matches what moves the cursor of a terminal and, at the start of a line,
// text that is overwritten.
var escapes = regexp.MustCompile(`(?m)\x1b\[[0-9;?]*[A-Za-z]|^[^\n]*\r|\x00.*`)

// deviceName matches the name after the address of a device. It is printed if
// bluetoothd knows it from an earlier inquiry, and not on the page.
var deviceName = regexp.MustCompile(`(` + pageAddress + `)\s+\([^)]*\)`)

// onPage returns the output of a command as a page has it.
func (j *pageJob) onPage(o *onScreen) string {
	back := append([]string{"\r\n", "\n"}, j.dir, "/home/pi", j.near.String(), "01:23:45:67:89:01")
	for i := 0; i < len(j.replace); i += 2 {
		back = append(back, j.replace[i+1], j.replace[i])
	}
	text := strings.NewReplacer(back...).Replace(o.terminal.String())
	text = deviceName.ReplaceAllString(escapes.ReplaceAllString(text, ""), "$1")
	return strings.TrimSuffix(text, "\n")
}

// anyNumber matches a number in a quoted line. Those of a page are examples.
var anyNumber = regexp.MustCompile(`[0-9]+(\\?[.,][0-9]+)*`)

// anyText matches "…": text up to the end of a line that may have been wrapped.
const anyText = `.*(?:\n[ \t]+.*)*?`

// prints reports whether the output of a command consists of lines of a page, or
// begins with them.
func (j *pageJob) prints(o *onScreen, lines []string, begins bool) bool {
	var pattern strings.Builder
	for _, line := range lines {
		if line == "…" {
			pattern.WriteString(`(.*\n)*?`)
			continue
		}
		line = regexp.QuoteMeta(strings.Join(strings.Fields(line), " "))
		pattern.WriteString(`[ \t]*` + strings.NewReplacer("…", anyText, " ", `\s+`).Replace(anyNumber.ReplaceAllString(line, `[0-9.,]+`)) + `\s*\n`)
	}
	tail := "$"
	if begins {
		tail = ""
	}
	text := j.onPage(o)
	if text != "" {
		text += "\n"
	}
	return regexp.MustCompile("^" + pattern.String() + tail).MatchString(text)
}

// file writes a file into the directory of the commands.
func (j *pageJob) file(name, content string) {
	j.Helper()
	path := filepath.Join(j.dir, name)
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		j.Fatal(err)
	}
	if err := os.Chown(path, nobody, nobody); err != nil {
		j.Fatal(err)
	}
}

// device is a device with a serial port that serves one connection after the other.
func (j *pageJob) device(channel int, serve func(conn io.ReadWriteCloser)) {
	j.Helper()
	l, err := new(rfcomm.ListenConfig).ListenRFCOMM(j.Context(), rfcomm.Addr{Device: j.far, Channel: channel})
	if err != nil {
		j.Fatal(err)
	}
	ended := hosttest.InBackground(func() error {
		for {
			conn, err := l.Accept()
			if err != nil {
				return err
			}
			serve(conn)
			conn.Close()
		}
	})
	j.Cleanup(func() {
		l.Close()
		hosttest.Receive(j, ended)
	})
}

func stagePrinter(j *pageJob) func() {
	j.file("receipt.txt", "1 coffee  2.50\n")
	printed := make(chan string, 1)
	j.device(3, func(conn io.ReadWriteCloser) {
		// An attempt to connect that failed at the other end sends nothing.
		if data, _ := io.ReadAll(conn); len(data) > 0 {
			printed <- string(data)
		}
	})
	j.publish(j.T, sdp.NewSerialPort("Receipt printer", 3))
	return func() {
		if got := hosttest.Receive(j, printed); got != "1 coffee  2.50\n" {
			j.Errorf("it printed %q", got)
		}
	}
}

func stageOBD(j *pageJob) func() {
	j.typed = []string{"ATZ", "010C"}
	replies := map[string]string{"ATZ": "ATZ\r\r\rELM327 v1.5\r\r>", "010C": "010C\r41 0C 1A F8 \r\r>"}
	j.device(1, func(conn io.ReadWriteCloser) {
		for commands := bufio.NewReader(conn); ; {
			command, err := commands.ReadString('\r')
			if err != nil {
				return
			}
			io.WriteString(conn, replies[strings.TrimSuffix(command, "\r")])
		}
	})
	return func() {
		conn := dialTCP(j.T, "127.0.0.1:35000")
		io.WriteString(conn, "010C\r")
		if answer, err := bufio.NewReader(conn).ReadString('>'); err != nil || answer != replies["010C"] {
			j.Errorf("the program receives %q, %v", answer, err)
		}
		conn.Close()
	}
}

// sentence is what a GPS receiver sends (NMEA 0183).
const sentence = "$GPRMC,123519,A,4807.038,N,01131.000,E,022.4,084.4,230394,003.1,W*6A\r\n"

// stageGPSLog has a receiver that hangs up once, after its position is in the log.
func stageGPSLog(j *pageJob) func() {
	log := filepath.Join(j.dir, "track.nmea")
	logged := func(positions int) bool {
		text, _ := os.ReadFile(log)
		return strings.HasPrefix(string(text), strings.Repeat(strings.Replace(sentence, "\r", "", 1), positions))
	}
	j.device(2, func(conn io.ReadWriteCloser) {
		again := logged(1)
		io.WriteString(conn, sentence)
		gone := hosttest.InBackground(func() error {
			_, err := io.Copy(io.Discard, conn)
			return err
		})
		for len(gone) == 0 && j.Context().Err() == nil && (again || !logged(1)) {
			time.Sleep(10 * time.Millisecond)
		}
	})
	return func() {
		hosttest.Eventually(j, "a log of two connections", func() bool { return logged(2) })
	}
}

func stageGPSPort(j *pageJob) func() {
	lost := make(chan bool, 1)
	j.device(2, func(conn io.ReadWriteCloser) {
		interval := time.NewTicker(100 * time.Millisecond)
		defer interval.Stop()
		for {
			if _, err := io.WriteString(conn, sentence); err != nil {
				return
			}
			select {
			case <-interval.C:
			case <-lost:
				return
			case <-j.Context().Done():
				return
			}
		}
	})
	return func() {
		read := func() bool {
			port := openPort(j.T, filepath.Join(j.dir, "gps"))
			defer port.Close()
			line, _ := bufio.NewReader(port).ReadString('\n')
			return strings.HasSuffix(line, "*6A\r\n")
		}
		hosttest.Eventually(j, "a position", read)
		lost <- true
		hosttest.Eventually(j, "a position after the connection was lost", read)
	}
}

func stageScale(j *pageJob) func() {
	scale := instrument(j.T)
	if err := os.Chmod("/dev/ttyS1", 0o666); err != nil { // as the group dialout can use it
		j.Fatal(err)
	}
	j.replace = append(j.replace, "/dev/ttyUSB0", "/dev/ttyS1")
	go func() {
		for requests := bufio.NewReader(scale); ; {
			request, err := requests.ReadString('\n')
			if err != nil {
				return
			}
			if request == "SI\r\n" {
				io.WriteString(scale, "S S      12.50 kg\r\n")
			}
		}
	}()
	return func() {}
}

func stageShare(j *pageJob) func() {
	j.directories("Documents", "Documents/photos")
	j.file("Documents/notes.txt", "Remember the milk.\n")
	j.file("Documents/photos/cat.jpg", strings.Repeat("cat", 40000))
	return func() {
		wantFile(j.T, strings.Repeat("cat", 40000), j.dir, "photos", "cat.jpg")
	}
}

func stageCollect(j *pageJob) func() {
	j.directories("Inbox")
	j.file("reading.csv", "12:00,21.5\n")
	return func() { wantFile(j.T, "12:00,21.5\n", j.dir, "Inbox", "reading.csv") }
}

// stagePhone has a phone with a person who confirms the pairing.
func stagePhone(j *pageJob) func() {
	j.typed = []string{"y"}
	_, end := j.answering(j.T)
	return func() {
		defer end()
		d := &sdp.Dialer{RFCOMM: rfcomm.Dialer{LocalAddr: rfcomm.Addr{Device: j.far}, Security: rfcomm.SecurityMedium}}
		conn, err := d.Dial(j.Context(), j.near, sdp.SerialPort)
		if err != nil {
			j.Fatal(err)
		}
		defer conn.Close()
		if date, err := io.ReadAll(conn); err != nil || !strings.Contains(string(date), ":") {
			j.Errorf("the phone received %q, %v", date, err)
		}
		j.runs(j.T, 0, "", "unpair", j.far.String(), "-i", j.near.String())
	}
}

func stageDoctor(j *pageJob) func() {
	j.Down(labtest.DialerAdapter)
	return func() {}
}

func stageRange(*pageJob) func() { return func() {} }

// directories makes directories of user nobody.
func (j *pageJob) directories(names ...string) {
	j.Helper()
	for _, name := range names {
		path := filepath.Join(j.dir, name)
		if err := errors.Join(os.Mkdir(path, 0o755), os.Chown(path, nobody, nobody)); err != nil {
			j.Fatal(err)
		}
	}
}
