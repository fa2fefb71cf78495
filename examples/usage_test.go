package examples_test

import (
	"strings"
	"testing"
)

func TestUsageErrors(t *testing.T) {
	const device = "01:23:45:67:89:AB"
	for _, command := range []string{
		"server word",
		"server -nonsense",
		"server -channel 0",
		"server -channel 31",
		"server -channel many",
		"server -adapter nonsense",
		"client",
		"client get file",
		"client 01:23:45:67:89",
		"client -nonsense",
		"client " + device + " fetch file",
		"client " + device + " get",
		"client " + device + " get file other",
		"client " + device + " get -o",
		"client " + device + " -o file",
		"client -channel 0 " + device,
		"client -channel 31 " + device,
		"client -adapter nonsense " + device,
		"echo hello",
		"echo -nonsense",
		"echo nonsense hello",
		"echo -channel 31 " + device + " hello",
		"echo -channel 31",
		"echo -connect 127.0.0.1:1",
		"echo -connect nonsense hello",
		"echo -listen 127.0.0.1:0 hello",
		"echo -listen 127.0.0.1:0 -connect 127.0.0.1:1 hello",
		"demo file file",
		"demo -nonsense",
		"services",
		"services -nonsense",
		"services nonsense",
		"services " + device + " nonsense",
		"obd -nonsense",
		"obd nonsense",
		"obd " + device + " " + device,
		"obd -n 0",
		"obd -n many",
		"obd -connect 127.0.0.1:1 " + device,
		"pair now",
		"pair -nonsense",
		"pair -for 0",
		"pair -for 999ms",
		"pair -for long",
		"pair -pin 12345678901234567",
		"pair -adapter nonsense",
		"spp word",
		"spp -nonsense",
		"spp -listen 127.0.0.1:0 -anyone",
		"gps",
		"gps -nonsense",
		"gps nonsense",
		"gps -link device",
		"gps -connect 127.0.0.1:1 " + device,
		"gps " + device + " " + device,
		"relay",
		"relay -nonsense",
		"relay /dev/ttyS0 /dev/ttyS1",
		"relay -baud fast /dev/ttyS0",
		"relay -baud 0 /dev/ttyS0",
		"relay -baud -9600 /dev/ttyS0",
	} {
		t.Run(command, func(t *testing.T) {
			words := strings.Fields(command)
			stdout, stderr := run(t, 2, words[0], words[1:], in(t.TempDir()))
			checkSilent(t, stdout)
			if stderr == "" {
				t.Error("no error was printed")
			}
		})
	}
}

func TestFlagHelp(t *testing.T) {
	for _, name := range []string{"server", "client", "echo", "demo", "services", "obd", "pair", "spp", "gps", "relay"} {
		_, stderr := run(t, 0, name, []string{"-h"})
		checkText(t, stderr, "usage: "+name)
	}
}
