package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"os"
	"strings"
	"time"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/bluez"
)

// talk answers the lines of a phone.
func talk(ctx context.Context, conn net.Conn) {
	defer conn.Close()
	if err := admit(ctx, conn); err != nil {
		log.Printf("%v is refused: %v", conn.RemoteAddr(), err)
		return
	}
	lines := bufio.NewScanner(conn) // ends with a line of more than 64 KiB
	for lines.Scan() {
		fmt.Fprintf(conn, "%s\r\n", answer(strings.TrimSpace(lines.Text())))
	}
}

// admit returns an error if the phone is not paired. The security of a listener
// does not keep strangers out: a phone that dials without security is paired for
// the time of the connection, without a question if this machine has no display.
func admit(ctx context.Context, conn net.Conn) error {
	local, ok := conn.LocalAddr().(rfcomm.Addr)
	if !ok || *anyone {
		return nil
	}
	client, err := bluez.Connect(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	adapter, err := client.Adapter(ctx, local.Device)
	if err != nil {
		return err
	}
	phone, err := adapter.Device(ctx, conn.RemoteAddr().(rfcomm.Addr).Device)
	if err != nil {
		return err
	}
	properties, err := phone.Properties(ctx)
	if err == nil && !properties.Bonded {
		err = errors.New("it is not paired")
	}
	return err
}

// answer returns the answer to a line.
func answer(line string) string {
	switch strings.ToLower(line) {
	case "time":
		return time.Now().Format(time.RFC3339)
	case "load":
		load, err := os.ReadFile("/proc/loadavg")
		if err != nil {
			return err.Error()
		}
		return strings.TrimSpace(string(load))
	}
	return "I know the words time and load"
}
