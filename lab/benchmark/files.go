//go:build linux

package main

import (
	"crypto/rand"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/go-rfcomm/rfcomm/internal/test/tutorial"
)

//go:embed article_client.py
var articleClient string

// A way is a way to transfer a file: the command lines of a server, which prints
// "listening", and of a client.
type way struct {
	name           string
	server, client func(dir string, channel int) []string
	puts           bool // the server receives the file
}

func files(b *bench) error {
	dir, err := b.fileDirectory()
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	const (
		framed  = "framed dialect"
		plain   = "plain dialect"
		article = "the article's programs (PyBluez)"
		mixed   = "plain dialect, from the article's server"
		bytes   = "the bytes alone, " + rawCalls
	)
	server := func(_ string, channel int) []string {
		// The article's server looks for the file in its directory.
		return []string{"env", "-C", dir, debianPython, "-c", tutorial.Server, b.radio.listening.String(), fmt.Sprint(channel)}
	}
	ways := []way{
		{name: framed, server: b.fileEnd("library", roleServe), client: b.fileEnd("library", roleGet)},
		{name: plain, server: b.fileEnd("library", roleServe), client: b.fileEnd("library", roleFetch)},
		{name: article, server: server, client: func(_ string, channel int) []string {
			return []string{debianPython, "-c", articleClient, b.radio.dialing[0].String(), b.radio.listening.String(),
				fmt.Sprint(channel), fmt.Sprint(b.effort.fileBytes)}
		}},
		{name: mixed, server: server, client: b.fileEnd("library", roleFetch)},
		{name: bytes, server: b.fileEnd("raw", roleServeBytes), client: b.fileEnd("raw", roleGetBytes)},
	}
	progress("files")
	o := b.transfers(ways, dir, true)
	t := newTable("Getting a file", "", "content, MB/s", "× article", "× bytes alone", "whole call, MB/s", "× article", "CPU ms for a MiB", "× article", "× bytes alone")
	t.note("A file of %d KiB over a new connection. The content is measured from its first byte to its last. The whole call includes the requests and replies before and after it: in the plain dialect the 300 ms of silence that end the name, and with the article's server the 2 s of silence that end the file. The framed dialect computes SHA-256 at both ends.", b.effort.fileBytes>>10)
	for _, w := range ways {
		t.row(w.name, o.cell(w.name, sample.megabytes, "%.2f"), o.times(w.name, article, sample.megabytes), o.times(w.name, bytes, sample.megabytes),
			o.cell(w.name, sample.callMegabytes, "%.2f"), o.times(w.name, article, sample.callMegabytes),
			o.cell(w.name, sample.cpuPerMebibyte, "%.0f"), o.times(w.name, article, sample.cpuPerMebibyte), o.times(w.name, bytes, sample.cpuPerMebibyte))
	}
	t.print()
	return nil
}

// callMegabytes is the rate of a whole call: the file and the protocol around
// it.
func (s sample) callMegabytes() float64 { return float64(s.units) / 1e6 / s.call.Seconds() }

// fileDirectory makes a directory with the file in it.
func (b *bench) fileDirectory() (string, error) {
	dir, err := os.MkdirTemp("", "benchmark")
	if err != nil {
		return "", err
	}
	content := make([]byte, b.effort.fileBytes)
	rand.Read(content)
	copy(content, firstBytes)
	copy(content[len(content)-len(lastBytes):], lastBytes)
	return dir, os.WriteFile(filepath.Join(dir, fileName), content, 0o600)
}

// fileEnd returns a function that returns command lines for ends of this
// program.
func (b *bench) fileEnd(stack, role string) func(string, int) []string {
	return func(dir string, channel int) []string {
		return append(endCommand(stack)(b.radio, role, job{channel: channel, count: b.effort.fileBytes}), "-dir", dir)
	}
}

// transfers measures ways in rounds. If a way does not report when the content
// begins and ends, the figure of the content is that of the whole call.
func (b *bench) transfers(ways []way, dir string, content bool) outcomes {
	byName := map[string]way{}
	var names []string
	for _, w := range ways {
		byName[w.name] = w
		names = append(names, w.name)
	}
	return rounds(b.effort.rounds, names, func(name string) (s sample, err error) {
		for range attempts {
			s, err = b.transfer(byName[name], dir, content)
			if err == nil || errors.Is(err, errHangs) {
				break
			}
		}
		return s, err
	})
}

func (b *bench) transfer(w way, dir string, content bool) (sample, error) {
	channel := b.nextChannel(1)
	server, client, err := startPair(w.server(dir, channel), w.client(dir, channel), "listening")
	if err != nil {
		return sample{}, err
	}
	defer killPair(server, client)
	m := meter{radio: b.radio, ends: []*process{server, client}}
	if _, err := client.waitFor("connected"); err != nil {
		return sample{}, err
	}
	begin, err := m.read()
	if err != nil {
		return sample{}, err
	}
	var s sample
	if content {
		receiver := client
		if w.puts {
			receiver = server
		}
		if s, err = m.count(receiver, "bytes", b.effort.fileBytes); err != nil {
			return s, err
		}
		s.before = time.Since(begin.at) - s.wall
	}
	if _, err := client.waitFor("done"); err != nil {
		return sample{}, err
	}
	end, err := m.read()
	whole := end.since(begin)
	// The protocol around the content also costs CPU time.
	s.call, s.cpu = whole.wall, whole.cpu
	if !content {
		s.wall, s.units = whole.wall, b.effort.fileBytes
	}
	return s, err
}
