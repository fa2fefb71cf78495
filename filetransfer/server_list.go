package filetransfer

import (
	"io"
	"io/fs"
	"path"
	"strconv"
)

const (
	entryWord  = "entry"   // of a list; one block for each, and an end
	entriesKey = "Entries" // how many there were
)

// listBatch is how many entries are read, and sent, at once.
const listBatch = 64

// list sends what is in a folder, in no order.
func (s *session) list(name string) error {
	if err := s.checkDirectory(name); err != nil {
		return err
	}
	f, err := s.FS.Open(name)
	if err != nil {
		return reason(err)
	}
	defer f.Close()
	dir, ok := f.(fs.ReadDirFile)
	if !ok {
		return publicErrorf(fs.ErrInvalid, "%.300q is not a folder that can be listed", name)
	}
	if err := s.wire.writeBlock(block{word: okWord}); err != nil {
		return err
	}
	for count := 0; ; {
		entries, err := dir.ReadDir(listBatch)
		var batch []byte
		for _, entry := range entries {
			if info, ok := s.entryInfo(name, entry); ok {
				batch = block{word: entryWord}.withName(info.Name).withInfo(info).append(batch)
				count++
			}
		}
		if err == io.EOF {
			batch = block{word: endWord}.with(entriesKey, strconv.Itoa(count)).append(batch)
		} else if err != nil {
			batch = errorBlock(err).append(batch)
		}
		if _, err := s.wire.Write(batch); err != nil {
			return err
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return &reportedError{err}
		}
	}
}

// checkFolder refuses what is not a folder, before it is opened.
func (s *session) checkDirectory(name string) error {
	info, err := s.statInfo(name)
	if err == nil && !info.Mode.IsDir() {
		err = publicErrorf(fs.ErrInvalid, "%.300q is not a folder", name)
	}
	return err
}

// entryInfo returns what a get of an entry would find: of a symbolic link, its
// target. An entry that has vanished since is left out.
func (s *session) entryInfo(dir string, entry fs.DirEntry) (info Info, ok bool) {
	if entry.Type()&fs.ModeSymlink != 0 {
		if stat, err := s.fileInfo(path.Join(dir, entry.Name())); err == nil {
			return infoOf(entry.Name(), stat), true
		}
	}
	stat, err := entry.Info()
	if err != nil {
		return Info{}, false
	}
	return infoOf(entry.Name(), stat), true
}
