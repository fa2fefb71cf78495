package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/go-rfcomm/rfcomm"
)

const demoHelp = `Runs the commands of two machines, A and B, and prints them with their output: a line of text, a file server and its clients, and the speed of the connection. They are the commands that you type on two machines, except for the flag -i, which selects the adapter of each.

The connections use Bluetooth if this machine has two adapters that are powered on and in range of each other, and memory otherwise. With Bluetooth, the second adapter serves every device in range for these seconds, but only files that demo has made. They are removed at the end.`

// demoCommand returns the command "demo".
func (t *tool) demoCommand() *cobra.Command {
	c := &cobra.Command{
		Use:     "demo [FLAGS]",
		Short:   "Show other commands at work, with two adapters or without Bluetooth",
		Long:    demoHelp,
		Example: "\trfcommctl demo",
		Args:    noWords,
		RunE:    func(c *cobra.Command, _ []string) error { return t.runDemo(c.Context()) },
	}
	refuseTCP(c, "without two adapters, it needs no network either")
	return c
}

// runDemo runs the command "demo".
func (t *tool) runDemo(ctx context.Context) (err error) {
	directory, err := os.MkdirTemp("", "rfcommctl-demo-")
	if err != nil {
		return err
	}
	defer func() { err = cmp.Or(err, os.RemoveAll(directory)) }()
	d := newDemo(t)
	if err := d.choose(ctx); err != nil {
		return err
	}
	d.introduce()
	for _, show := range []func(context.Context) error{
		d.showText,
		func(ctx context.Context) error { return d.showFiles(ctx, directory) },
		d.showSpeed,
	} {
		if err := show(ctx); err != nil {
			return err
		}
	}
	d.print("")
	d.say("That is all, and nothing is left behind. With a radio, continue with \"rfcommctl adapters\", " +
		"\"scan\" and \"services\"; \"rfcommctl help\" lists all commands.")
	return t.stdout.err()
}

// introduce prints who is who, and how they are connected.
func (d *demo) introduce() {
	d.say("Machines A and B are the adapters %s (%s) and %s (%s). They are connected %s.",
		d.a.Name, d.a.Addr, d.b.Name, d.b.Addr, d.way)
}

// showText sends a line of text.
func (d *demo) showText(ctx context.Context) error {
	d.step("B waits for a connection, on a free channel. A sends a line.")
	server, channel, err := d.serve(ctx, "listening", "listen", "-i", d.b.Name)
	if err != nil {
		return err
	}
	defer server.kill()
	if err := d.run(ctx, "Hello from A", "connect", "-i", d.a.Name, fmt.Sprintf("%s/%d", d.b.Addr, channel), "--wait", "0"); err != nil {
		return err
	}
	return server.ends(ctx, statusOK)
}

// showFiles sends files to a server, lists them, and gets one.
func (d *demo) showFiles(ctx context.Context, directory string) error {
	served := filepath.Join(directory, "B")
	if err := os.Mkdir(served, 0o700); err != nil {
		return err
	}
	photo := make([]byte, 200_000)
	rand.Read(photo)
	for name, content := range map[string][]byte{"photo.jpg": photo, "notes.txt": []byte("Buy milk.\n")} {
		if err := os.WriteFile(filepath.Join(directory, name), content, 0o600); err != nil {
			return err
		}
	}
	d.step("B serves a directory, and stores files in it. A sends two files, and gets one of them back.")
	server, _, err := d.serve(ctx, "security low", "serve", "-i", d.b.Name, served, "--uploads", "--security", "low")
	if err != nil {
		return err
	}
	defer server.kill()
	address, copied := d.b.Addr.String(), filepath.Join(directory, "copy.jpg")
	for _, words := range [][]string{
		{"put", "-i", d.a.Name, address, filepath.Join(directory, "notes.txt"), filepath.Join(directory, "photo.jpg")},
		{"ls", "-i", d.a.Name, address},
		{"get", "-i", d.a.Name, address, "photo.jpg", "-o", copied},
	} {
		if err := d.run(ctx, "", words...); err != nil {
			return err
		}
		server.out.await(ctx, "client left")
	}
	if err := server.interrupt(ctx); err != nil {
		return err
	}
	content, err := os.ReadFile(copied)
	if err == nil && !bytes.Equal(content, photo) {
		err = errors.New("the file that came back differs from the one that was sent")
	}
	return err
}

// showSpeed measures the connection.
func (d *demo) showSpeed(ctx context.Context) error {
	d.step("B is the other end of a test of the speed. A measures for a second.")
	server, _, err := d.serve(ctx, "listening", "speed", "--serve", "-i", d.b.Name)
	if err != nil {
		return err
	}
	defer server.kill()
	if err := d.run(ctx, "", "speed", "-i", d.a.Name, d.b.Addr.String(), "-t", "1s"); err != nil {
		return err
	}
	return server.interrupt(ctx)
}

// choose selects two adapters in range of each other or, if there are none, two in
// memory.
func (d *demo) choose(ctx context.Context) error {
	err := d.chooseAdapters(ctx)
	if err == nil || ctx.Err() != nil {
		return cmp.Or(context.Cause(ctx), err)
	}
	d.way = fmt.Sprintf("in memory instead of Bluetooth: %v", err)
	d.useMemory()
	return nil
}

// chooseAdapters selects the first two adapters that are powered on, and returns an
// error if they are not in range of each other.
func (d *demo) chooseAdapters(ctx context.Context) error {
	adapters, err := d.t.adapters()
	if err != nil {
		return err
	}
	var up []rfcomm.Adapter
	for _, a := range adapters {
		if a.Up {
			up = append(up, a)
		}
	}
	switch len(up) {
	case 0:
		return errors.New("no adapter of this machine is powered on")
	case 1:
		return fmt.Errorf("only 1 adapter of this machine is powered on, %s", up[0].Name)
	}
	d.a, d.b, d.way = up[0], up[1], "by Bluetooth"
	l, err := d.t.listen(ctx, server{address: rfcomm.Addr{Device: d.b.Addr}})
	if err != nil {
		return err
	}
	defer l.Close()
	conn, err := d.t.dial(ctx, &rfcomm.Dialer{LocalAddr: rfcomm.Addr{Device: d.a.Addr}, Timeout: demoReach}, d.b.Addr, service{channel: channelOf(l)})
	if err != nil {
		return err
	}
	return conn.Close()
}
