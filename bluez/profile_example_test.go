package bluez_test

import (
	"context"
	"fmt"
	"io"
	"log"

	"github.com/go-rfcomm/rfcomm/bluez"
	"github.com/go-rfcomm/rfcomm/sdp"
)

// A server whose connections bluetoothd accepts: it asks its agent about devices
// that are not trusted.
func ExampleClient_RegisterProfile() {
	ctx := context.Background()
	client, err := bluez.Connect(ctx)
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	profile, err := client.RegisterProfile(ctx, bluez.ProfileOptions{
		UUID:   sdp.UUID16(0x1101), // Serial Port
		Name:   "Echo",
		Role:   bluez.RoleServer,
		Report: func(err error) { fmt.Println("registered again:", err == nil, err) },
	})
	if err != nil {
		log.Fatal(err)
	}
	defer profile.Close()
	for {
		conn, err := profile.Accept()
		if err != nil {
			log.Fatal(err)
		}
		go func() {
			defer conn.Close()
			io.Copy(conn, conn)
		}()
	}
}
