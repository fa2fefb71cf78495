package sdp_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"

	"github.com/go-rfcomm/rfcomm/sdp"
)

// A Client and a Server need no Bluetooth: they work on any connection that
// preserves packets. net.Pipe does so for buffers that are large enough, as
// those of both are.
func ExampleNewClient() {
	var server sdp.Server
	defer server.Close()
	handle, err := server.Add(sdp.NewSerialPort("Thermometer", 3))
	if err != nil {
		log.Fatal(err)
	}
	local, remote := net.Pipe()
	go server.ServeConn(context.Background(), remote)

	client := sdp.NewClient(local)
	defer client.Close()
	ctx := context.Background()
	records, err := client.Search(ctx, []sdp.UUID{sdp.SerialPort})
	if err != nil {
		log.Fatal(err)
	}
	for _, r := range records {
		channel, _ := r.Channel()
		fmt.Println(r.Name(), "on channel", channel)
	}

	_, err = client.Attributes(ctx, handle+1)
	var response *sdp.ResponseError
	if errors.As(err, &response) && response.Code == sdp.InvalidRecordHandle {
		fmt.Println("no record has the handle")
	}
	// Output:
	// Thermometer on channel 3
	// no record has the handle
}
