package filetransfer

import (
	"io"
	"io/fs"
	"path"
	"strconv"
)

const (
	entryWord  = "entry"   // one entry of a list; the last block is an end
	entriesKey = "Entries" // number of entries
)

// listBatch is the number of entries that are read and sent at once.
const listBatch = 64

// list sends the entries of a directory, unsorted.
func (s *session) list(name string) error {
	if err := s.admit(listMethod, name); err != nil {
		return err
	}
	if err := s.checkDirectory(name); err != nil {
		return err
	}
	dir, err := onWorker(s.worker, func() (fs.ReadDirFile, error) { return s.openDirectory(name) }, func(f fs.ReadDirFile) { f.Close() })
	if err != nil {
		return reason(err)
	}
	defer newWorkerFile(s.worker, dir).Close()
	if err := s.codec.writeBlock(block{word: okWord}); err != nil {
		return err
	}
	for count := 0; ; {
		infos, err := onWorker(s.worker, func() ([]Info, error) { return s.readDirectory(name, dir) }, nil)
		var batch []byte
		for _, info := range infos {
			batch = block{word: entryWord}.withName(info.Name).withInfo(info).append(batch)
		}
		count += len(infos)
		if err == io.EOF {
			batch = block{word: endWord}.with(entriesKey, strconv.Itoa(count)).append(batch)
		} else if err != nil {
			batch = errorBlock(err).append(batch)
		}
		if _, err := s.conn.Write(batch); err != nil {
			return err
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return s.alreadyReported(err)
		}
	}
}

// openDirectory opens a directory.
func (s *session) openDirectory(name string) (fs.ReadDirFile, error) {
	f, err := s.FS.Open(name)
	if err != nil {
		return nil, err
	}
	dir, ok := f.(fs.ReadDirFile)
	if !ok {
		f.Close()
		return nil, publicErrorf(fs.ErrInvalid, "%.300q is not a directory that can be listed", name)
	}
	return dir, nil
}

// readDirectory returns the next entries of a directory, except those that the
// server hides. At its end, the error
// is io.EOF.
func (s *session) readDirectory(name string, dir fs.ReadDirFile) ([]Info, error) {
	entries, err := dir.ReadDir(listBatch)
	infos := make([]Info, 0, len(entries))
	for _, entry := range entries {
		if s.hides(entry.Name()) {
			continue
		}
		if info, ok := s.entryInfo(name, entry); ok {
			infos = append(infos, info)
		}
	}
	return infos, err
}

// checkDirectory returns an error unless name is a directory. It does not open
// name.
func (s *session) checkDirectory(name string) error {
	info, err := s.statInfo(name)
	if err == nil && !info.Mode.IsDir() {
		err = publicErrorf(fs.ErrInvalid, "%.300q is not a directory", name)
	}
	return err
}

// entryInfo returns the Info of an entry. For a symbolic link, it is the Info
// of the target, as a get would find it. If the entry has been removed
// meanwhile, ok is false.
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
