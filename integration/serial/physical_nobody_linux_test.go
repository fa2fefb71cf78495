package serial_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/go-rfcomm/rfcomm/internal/test/daemons"
	"github.com/go-rfcomm/rfcomm/internal/test/programs"
	"github.com/go-rfcomm/rfcomm/serial"
)

func init() {
	subprograms["line"] = lineProgram
}

// lineProgram opens a port, prints "open" or the error, and keeps the port open.
func lineProgram(ctx context.Context, arguments []string) error {
	p, err := serial.OpenLine(arguments[0], nil)
	if err != nil {
		fmt.Println(err)
		return nil
	}
	defer p.Close()
	fmt.Println("open")
	<-ctx.Done()
	return nil
}

func TestOpenLineAsNobody(t *testing.T) {
	requireLab(t)
	const (
		refused = "open " + firstPort + ": permission denied (only root may open the port; udev usually gives serial ports to group dialout)"
		group   = "open " + firstPort + ": permission denied (the port belongs to group dialout: add the user to it, then log in again)"
		busy    = "open " + firstPort + ": device or resource busy (another program uses the port)"
	)
	open := func(groups ...string) *programs.Process {
		return startAsNobody(t, groups, "line", firstPort)
	}
	// An earlier udevd has given the port to its group.
	if err := errors.Join(os.Chown(firstPort, 0, 0), os.Chmod(firstPort, 0o600)); err != nil {
		t.Fatal(err)
	}
	open("dialout").WantLine(refused)
	daemons.Udevd(t, daemons.Options{})
	open().WantLine(group)

	first := open("dialout")
	first.WantLine("open")
	open("dialout").WantLine(busy)
	start(t, "line", firstPort).WantLine(busy)
	first.Kill()
	open("dialout").WantLine("open")
}
