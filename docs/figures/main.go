// The program figures draws the pictures of the documentation: docs/throughput.svg
// and docs/layers.svg. Run it in the root of the module:
//
//	go run ./docs/figures
//
// The rates in the pictures are those of the tables in docs/benchmarks.md, so
// that a picture and its table cannot differ; a test compares the committed
// pictures with those that the program draws. The same tables give the same
// bytes.
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

// directory is that of the documentation, relative to the root of the module.
const directory = "docs"

// source is the file in the directory that holds the measured tables.
const source = "benchmarks.md"

// figures are the pictures, by the name of their file in the directory.
var figures = map[string]func(document string) ([]byte, error){
	"throughput.svg": drawThroughput,
	"layers.svg":     func(string) ([]byte, error) { return drawLayers(), nil },
}

func main() {
	if err := write(directory); err != nil {
		fmt.Fprintln(os.Stderr, "figures:", err)
		os.Exit(1)
	}
}

// write draws all figures into the directory.
func write(directory string) error {
	document, err := os.ReadFile(filepath.Join(directory, source))
	if err != nil {
		return fmt.Errorf("%w (run the program in the root of the module)", err)
	}
	for name, draw := range figures {
		picture, err := draw(string(document))
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if err := os.WriteFile(filepath.Join(directory, name), picture, 0o644); err != nil {
			return err
		}
	}
	return nil
}
