package rfcomm_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"syscall"
	"time"

	"github.com/go-rfcomm/rfcomm"
)

func ExampleDial() {
	conn, err := rfcomm.Dial("01:23:45:67:89:AB", 11)
	if errors.Is(err, syscall.EHOSTDOWN) {
		log.Fatal("switch the device on and bring it near")
	}
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintln(conn, "hello")
	answer, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(answer)
}

func ExampleListen() {
	listener, err := rfcomm.Listen(11)
	if err != nil {
		log.Fatal(err)
	}
	defer listener.Close()
	for {
		conn, err := listener.Accept()
		if err != nil {
			log.Fatal(err)
		}
		go func() {
			defer conn.Close()
			io.Copy(conn, conn)
		}()
	}
}

// The connection is dialed from one of several adapters to a paired device. The
// dial fails if the link cannot be encrypted.
func ExampleDialer() {
	adapter, err := rfcomm.AdapterByName("hci1")
	if err != nil {
		log.Fatal(err)
	}
	dialer := &rfcomm.Dialer{
		Timeout:   10 * time.Second,
		LocalAddr: rfcomm.Addr{Device: adapter.Addr},
		Security:  rfcomm.SecurityMedium,
	}
	conn, err := dialer.DialContext(context.Background(), "rfcomm", "[01:23:45:67:89:AB]:11")
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintln(conn, "for your eyes only")
}

// If Shutdown returns nil, all written data has reached the peer's Bluetooth
// stack.
func ExampleConn_Shutdown() {
	conn, err := rfcomm.Dial("01:23:45:67:89:AB", 11)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Fprintln(conn, "print this")
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := conn.(*rfcomm.Conn).Shutdown(ctx); err != nil {
		log.Fatal("it may not have arrived: ", err)
	}
}

// An http.Server serves clients over Bluetooth.
func Example_httpServer() {
	listener, err := rfcomm.Listen(11)
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "hello, %s\n", r.RemoteAddr)
	})))
}

// The host of the URL is a device address with dashes, the port is the channel.
func Example_httpClient() {
	dialer := &rfcomm.Dialer{Timeout: 10 * time.Second}
	client := &http.Client{Transport: &http.Transport{
		DialContext: dialer.DialHost,
		// Two adapters can have only one connection to a channel at a time.
		MaxConnsPerHost: 1,
	}}
	response, err := client.Get("http://01-23-45-67-89-AB:20/")
	if err != nil {
		log.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(string(body))
}

func ExampleParseAddr() {
	addr, err := rfcomm.ParseAddr("[01:23:45:67:89:ab]:11")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(addr.Device, addr.Channel)
	fmt.Println(addr)
	// Output:
	// 01:23:45:67:89:AB 11
	// [01:23:45:67:89:AB]:11
}
