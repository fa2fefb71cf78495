// Package soak has a test alone: seven devices talk to one for minutes, while the
// radio between them breaks at random, and every byte is checked. It needs the
// lab; lab/test runs it for a minute, and with -long for ten.
package soak
