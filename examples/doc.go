// Package examples contains the tests of the example programs, which build them
// and run them like a user.
package examples
