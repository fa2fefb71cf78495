// Package speed measures the throughput and the round trip of a connection
// between a client and a server, or between a client and an echo service.
//
// # Protocol
//
// The server speaks first, so that a client sends nothing to another service.
// Each end sends one line of text: a word with the version of the protocol, and
// the number of bytes in the longest packets of its adapter, or 0.
//
//	rfcommctl-speed/1 1021
//
// Messages follow. Each is a byte with its kind, the length of its content in two
// bytes, and the content. Numbers have the most significant byte first.
//
//	1 run    the client begins a test: a byte with the directions (1: the client
//	         sends; 2: the server sends), and the milliseconds between counts in
//	         four bytes
//	2 ready  the server is ready for the test
//	3 data   content that is counted
//	4 count  what a receiver of data has counted: the bytes, and the nanoseconds
//	         since "ready", in eight bytes each
//	5 end    as "count", at the end of a test: the client sends it after its last
//	         data. The server then stops to send data, and sends its own.
//	6 ping   eight bytes, which the server returns
//	7 pong   those bytes
//
// Receivers count: a sender does not know how much of its data is still queued.
// An end that receives nothing for the time of Silence closes the connection. In
// each direction of a test there are data or counts.
package speed
