package rfcommtest

import "testing"

func TestLinkConnectWithoutAnAdapter(t *testing.T) {
	r := unplugged(t, Config{})
	link := r.Link(r.controllers[0], r.controllers[1])
	if _, _, err := link.Connect(t.Context()); err != errUnplugged {
		t.Errorf("Connect returned %v", err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := link.Connect(t.Context()); err != errClosed {
		t.Errorf("after Close, Connect returned %v", err)
	}
}
