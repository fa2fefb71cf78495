package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/go-rfcomm/rfcomm"
)

// maxSeconds limits a duration that is a number of seconds. It is about 30 years.
const maxSeconds = 1e9

// A duration is the value of a flag: a duration such as 1m30s, or a number of
// seconds.
type duration time.Duration

func (d *duration) String() string { return time.Duration(*d).String() }

func (d *duration) Type() string { return "DURATION" }

func (d *duration) Set(text string) error {
	value, err := time.ParseDuration(text)
	if seconds, notNumber := strconv.ParseFloat(text, 64); notNumber == nil && math.Abs(seconds) <= maxSeconds {
		value, err = time.Duration(seconds*float64(time.Second)), nil
	}
	if err != nil {
		return errors.New("use a duration such as 8s or 1m30s")
	}
	*d = duration(value)
	return nil
}

// A timeout is a duration of more than 0. It is 0, for no limit, if a flag
// without a default is not given.
type timeout struct{ duration }

func (d *timeout) String() string {
	if d.duration == 0 {
		return "" // no default in the help text
	}
	return d.duration.String()
}

func (d *timeout) Set(text string) error {
	var value duration
	if err := value.Set(text); err != nil {
		return err
	}
	if value <= 0 {
		return errors.New("use more than 0")
	}
	d.duration = value
	return nil
}

// A security is the value of the flag --security.
type security rfcomm.Security

var securityLevels = []rfcomm.Security{rfcomm.SecurityLow, rfcomm.SecurityMedium, rfcomm.SecurityHigh}

func (s *security) String() string {
	if *s == 0 {
		return "" // no default in the help text
	}
	return rfcomm.Security(*s).String()
}

func (s *security) Type() string { return "LEVEL" }

func (s *security) Set(text string) error {
	for _, level := range securityLevels {
		if strings.EqualFold(text, level.String()) {
			*s = security(level)
			return nil
		}
	}
	return errors.New("use low, medium or high")
}

// A channel is the value of the flag --channel, or 0 if the flag is not given.
type channel int

func (n *channel) String() string {
	if *n == 0 {
		return "" // no default in the help text
	}
	return strconv.Itoa(int(*n))
}

func (n *channel) Type() string { return "N" }

func (n *channel) Set(text string) error {
	number, err := strconv.Atoi(text)
	if err != nil || checkChannel(number) != nil {
		return errors.New("use a channel from 1 to 30")
	}
	*n = channel(number)
	return nil
}

// A link holds the flags of commands that use an adapter.
type link struct {
	adapter  string
	timeout  timeout
	security security
	channel  channel
	usual    service // of a target without a service; zero: the serial port
	tcp      string  // host:port that replaces Bluetooth
	takesTCP bool    // the command has the flag --tcp
}

// adapterFlag adds the flag --adapter.
func (t *tool) adapterFlag(c *cobra.Command, l *link) {
	c.Flags().StringVarP(&l.adapter, "adapter", "i", "", "use this Bluetooth adapter: `hciN` or its address")
	c.RegisterFlagCompletionFunc("adapter", t.completeAdapters)
}

// timeoutFlag adds the flag --timeout.
func timeoutFlag(c *cobra.Command, l *link, value time.Duration, usage string) {
	l.timeout = timeout{duration(value)}
	c.Flags().VarP(&l.timeout, "timeout", "t", usage)
	c.RegisterFlagCompletionFunc("timeout", cobra.NoFileCompletions)
}

// dialTimeout is the default of --timeout for connecting.
const dialTimeout = 30 * time.Second

// connectionFlags adds the flags of commands that connect to a service.
func (t *tool) connectionFlags(c *cobra.Command, l *link) {
	t.adapterFlag(c, l)
	timeoutFlag(c, l, dialTimeout, "give up connecting after this time")
	c.Flags().Var(&l.channel, "channel", "connect to RFCOMM channel N, 1 to 30, without asking for services")
	c.RegisterFlagCompletionFunc("channel", cobra.NoFileCompletions)
	securityFlag(c, l)
}

// securityFlag adds the flag --security.
func securityFlag(c *cobra.Command, l *link) {
	c.Flags().Var(&l.security, "security", "protection that the link must have: low, medium (encrypted) or high")
	c.RegisterFlagCompletionFunc("security", cobra.FixedCompletions([]string{"low", "medium", "high"}, cobra.ShellCompDirectiveNoFileComp))
}

// tcpFlag adds the flag --tcp.
func tcpFlag(c *cobra.Command, l *link, usage string) {
	l.takesTCP = true
	c.Flags().StringVar(&l.tcp, "tcp", "", usage)
	c.RegisterFlagCompletionFunc("tcp", cobra.NoFileCompletions)
}

// checkTCP returns an error if --tcp is given with one of some flags, which are
// for Bluetooth, or is not an address.
func (l *link) checkTCP(c *cobra.Command, bluetooth ...string) error {
	if !c.Flags().Changed("tcp") {
		return nil
	}
	for _, name := range bluetooth {
		if c.Flags().Changed(name) {
			return fmt.Errorf("--%s is for Bluetooth, and --tcp for trying without: use one of them", name)
		}
	}
	return checkHostPort(l.tcp)
}

// checkHostPort returns an error if a text is not a host and a port, which is a
// number or has a name on this machine.
func checkHostPort(text string) error {
	host, port, err := net.SplitHostPort(text)
	if err != nil || host == "" && port == "" {
		return fmt.Errorf("invalid --tcp %q: use host:port, such as 127.0.0.1:2020", text)
	}
	if _, err := net.LookupPort("tcp", port); err != nil || port == "" {
		return fmt.Errorf("invalid --tcp %q: the port %q is neither a number up to 65535 nor the name of one", text, port)
	}
	return nil
}

// overTCP returns a function that connects to a host and a port.
func overTCP(address string, limit time.Duration) (connectFunc, error) {
	if _, port, err := net.SplitHostPort(address); err == nil && isZero(port) {
		return nil, usageError{fmt.Errorf("invalid --tcp %q: nothing can connect to port 0", address)}
	}
	d := &net.Dialer{Timeout: limit}
	return func(ctx context.Context) (net.Conn, error) { return d.DialContext(ctx, "tcp", address) }, nil
}

// isZero reports whether a text is the number 0.
func isZero(text string) bool {
	number, err := strconv.Atoi(text)
	return err == nil && number == 0
}

// refuseTCP makes a command refuse the flag --tcp of other commands.
func refuseTCP(c *cobra.Command, reason string) {
	c.Flags().String("tcp", "", "")
	c.Flags().MarkHidden("tcp")
	c.RegisterFlagCompletionFunc("tcp", cobra.NoFileCompletions)
	check := c.Args // checked first: over TCP, a command has no DEVICE
	c.Args = func(c *cobra.Command, words []string) error {
		if c.Flags().Changed("tcp") {
			return fmt.Errorf("%s does not work over TCP: %s", c.Name(), reason)
		}
		return check(c, words)
	}
}

// dialer returns the options of a connection.
func (t *tool) dialer(l *link) (*rfcomm.Dialer, error) {
	d := &rfcomm.Dialer{Timeout: time.Duration(l.timeout.duration), Security: rfcomm.Security(l.security)}
	if l.adapter != "" {
		adapter, err := t.adapterNamed(l.adapter)
		if err != nil {
			return nil, err
		}
		d.LocalAddr.Device = adapter.Addr
	}
	return d, nil
}

// adapterAddress returns the address of an adapter, or zero if none is given.
func (t *tool) adapterAddress(name string) (rfcomm.BDAddr, error) {
	if name == "" {
		return rfcomm.BDAddr{}, nil
	}
	adapter, err := t.adapterNamed(name)
	return adapter.Addr, err
}

// adapterNamed returns the adapter with a name, such as hci0, or an address. It
// returns an error for an adapter without an address.
func (t *tool) adapterNamed(name string) (rfcomm.Adapter, error) {
	adapters, err := t.adapters()
	if err != nil {
		return rfcomm.Adapter{}, err
	}
	a, err := findAdapter(adapters, name)
	if err == nil && a.Addr.IsZero() {
		err = fmt.Errorf("adapter %s has no address yet: power it on with \"rfcommctl adapters -i %s --power on\"", a.Name, a.Name)
	}
	return a, err
}

// findAdapter returns the adapter with a name or an address. An empty name means
// the first one.
func findAdapter(adapters []rfcomm.Adapter, name string) (rfcomm.Adapter, error) {
	for _, a := range adapters {
		if name == "" || isNamed(a, name) {
			return a, nil
		}
	}
	if len(adapters) == 0 {
		return rfcomm.Adapter{}, errNoAdapter
	}
	return rfcomm.Adapter{}, notFoundError{fmt.Errorf("no adapter %q: this machine has %s", name, adapterList(adapters))}
}

// adapterList returns the names and addresses of adapters, as a text.
func adapterList(adapters []rfcomm.Adapter) string {
	var texts []string
	for _, a := range adapters {
		texts = append(texts, fmt.Sprintf("%s (%s)", a.Name, a.Addr))
	}
	return strings.Join(texts, ", ")
}

// isNamed reports whether an adapter has a name, such as hci0, or an address.
func isNamed(a rfcomm.Adapter, name string) bool {
	return strings.EqualFold(a.Name, name) || sameAddress(a.Addr, name)
}

// sameAddress reports whether a text is an address in any of its forms.
func sameAddress(address rfcomm.BDAddr, text string) bool {
	parsed, err := rfcomm.ParseBDAddr(text)
	return err == nil && parsed == address && !address.IsZero()
}
