// Package serial presents RFCOMM connections as serial ports, and serial ports
// as RFCOMM services.
package serial
