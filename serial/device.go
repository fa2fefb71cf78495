package serial

import "fmt"

// A Kind is a kind of device that other programs open.
type Kind int

const (
	Auto Kind = iota // a TTY if possible, otherwise a PTY
	TTY              // a node of the kernel's RFCOMM driver, such as /dev/rfcomm0
	PTY              // a pseudo terminal, such as /dev/pts/3
)

// String returns "auto", "tty" or "pty".
func (k Kind) String() string {
	switch k {
	case Auto:
		return "auto"
	case TTY:
		return "tty"
	case PTY:
		return "pty"
	}
	return fmt.Sprintf("Kind(%d)", int(k))
}
