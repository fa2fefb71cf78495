package btsocket

import "testing"

func TestConnectedUntilPeerCloses(t *testing.T) {
	near, far := unixPair(t)
	if !near.Connected() {
		t.Error("a new stream counts as ended")
	}
	if _, err := far.Write([]byte("left")); err != nil {
		t.Fatal(err)
	}
	if !near.Connected() {
		t.Error("a stream with data counts as ended")
	}
	far.Close() // unread data does not hide the end
	if near.Connected() {
		t.Error("a stream that has ended counts as connected")
	}
}

func TestConnectedUntilClose(t *testing.T) {
	near, _ := unixPair(t)
	near.Close()
	if near.Connected() {
		t.Error("a closed socket counts as connected")
	}
}
