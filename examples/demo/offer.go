package main

import (
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// An offer is a file system with one file. A Bluetooth device that finds the
// server of the demo can get no other file.
type offer struct {
	path string
	name string
	size int64
	sum  []byte // SHA-256
}

// openOffer offers a file, or this program itself if path is empty.
func openOffer(path string) (*offer, error) {
	if path == "" {
		var err error
		if path, err = os.Executable(); err != nil {
			return nil, err
		}
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", path)
	}
	sum, err := hashFile(path)
	if err != nil {
		return nil, err
	}
	return &offer{path, filepath.Base(path), info.Size(), sum}, nil
}

// Open implements [fs.FS].
func (o *offer) Open(name string) (fs.File, error) {
	if name != o.name {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return os.Open(o.path)
}

// hashFile returns the SHA-256 of a file.
func hashFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, f); err != nil {
		return nil, err
	}
	return hash.Sum(nil), nil
}
