package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"regexp"
	"strings"
	"time"
)

// The replies that are waited for, without spaces. After a reset, it is any text.
var (
	banner = regexp.MustCompile(`.+`)
	ok     = regexp.MustCompile(`OK`)
	speed  = regexp.MustCompile(`410C[0-9A-F]{4}|NODATA|UNABLETOCONNECT|STOPPED|\w*ERROR|7F01|\?`)
)

// printSpeed resets the adapter, switches its echo off, and asks for the speed of
// the engine, which the car reports in quarters of a revolution per minute.
func printSpeed(conn net.Conn) error {
	defer conn.Close()
	replies := bufio.NewReader(conn)
	if _, err := ask(conn, replies, "ATZ", banner); err != nil {
		return err
	}
	if _, err := ask(conn, replies, "ATE0", ok); err != nil {
		return err
	}
	for range *count {
		reply, err := ask(conn, replies, "010C", speed)
		if err != nil {
			return err
		}
		var quarters int
		if _, err := fmt.Sscanf(reply, "410C%X", &quarters); err != nil {
			return fmt.Errorf("the adapter replies %s: is the ignition on?", reply)
		}
		fmt.Println(quarters/4, "rpm")
	}
	return nil
}

var spaces = strings.NewReplacer(" ", "", "\r", "", "\n", "", ">", "", "\x00", "")

// ask sends a command and returns the part of the reply that matches. It skips
// prompts, echoes, and late replies to earlier commands.
func ask(conn net.Conn, replies *bufio.Reader, command string, wanted *regexp.Regexp) (string, error) {
	conn.SetDeadline(time.Now().Add(15 * time.Second)) // the search for the car's bus is slow
	if _, err := io.WriteString(conn, command+"\r"); err != nil {
		return "", err
	}
	for {
		text, err := replies.ReadString('>')
		if err != nil {
			return "", fmt.Errorf("no reply to %s: %w", command, err)
		}
		if reply := wanted.FindString(spaces.Replace(text)); reply != "" {
			return reply, nil
		}
	}
}
