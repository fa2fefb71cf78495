package bluez_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/go-rfcomm/rfcomm/bluez"
)

func init() {
	programs["connect"] = func(ctx context.Context, _ []string) error {
		client, err := bluez.Connect(ctx)
		if err != nil {
			return err
		}
		fmt.Println("connected")
		return client.Close()
	}
}

func TestConnectAsNobody(t *testing.T) {
	forEachBlueZ(t, func(t *testing.T, _ *air) {
		p := startAsNobody(t, "connect")
		p.wantLine("connected")
		if complaints := p.end(); complaints != "" {
			t.Error(complaints)
		}
	})
}
