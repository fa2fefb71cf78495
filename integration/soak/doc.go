// Package soak contains a long integration test: seven devices exchange data
// with one, while faults strike the radio between them at random, and every
// byte is checked. It contains no other code. The test needs root in the lab
// (see package integration). lab/test runs it for a minute, and lab/test -long
// for ten.
package soak
