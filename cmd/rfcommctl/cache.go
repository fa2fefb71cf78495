package main

import (
	"cmp"
	"os"
	"path/filepath"
	"time"
)

// cacheSize limits the files of the cache: a larger file is not the program's.
const cacheSize = 1 << 20

// A cacheFile is a file in the user's cache directory, which only this user can
// read. If the path is empty, it has no content and keeps none.
type cacheFile struct {
	path string
	now  func() time.Time
}

// newCacheFile returns a file of the program in the user's cache directory.
func newCacheFile(name string) cacheFile {
	directory, err := os.UserCacheDir()
	if err != nil {
		return cacheFile{"", time.Now}
	}
	return cacheFile{filepath.Join(directory, "rfcommctl", name), time.Now}
}

// read returns the content. That of a file that is missing or not the program's is
// empty.
func (f cacheFile) read() []byte {
	if f.path == "" {
		return nil
	}
	info, err := os.Stat(f.path)
	if err != nil || !info.Mode().IsRegular() || info.Size() > cacheSize {
		return nil
	}
	content, err := os.ReadFile(f.path)
	if err != nil {
		return nil
	}
	return content
}

// replace writes the content as a whole: another process sees the old or the new
// one.
func (f cacheFile) replace(content []byte) error {
	if f.path == "" {
		return nil
	}
	directory, name := filepath.Split(f.path)
	if err := os.MkdirAll(directory, 0o700); err != nil {
		return err
	}
	file, err := os.CreateTemp(directory, "."+name+"-") // with mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	_, err = file.Write(content)
	if err := cmp.Or(err, file.Close()); err != nil {
		return err
	}
	return os.Rename(file.Name(), f.path)
}
