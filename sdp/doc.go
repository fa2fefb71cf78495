// Package sdp finds Bluetooth services and their RFCOMM channels by UUID, and
// publishes services.
package sdp
