package filetransfer

import (
	"crypto/sha256"
	"encoding"
	"hash"
	"io/fs"
	"math"
	"slices"
	"sync"
	"time"
)

const (
	// maxSums is the maximum number of checksums that a server remembers.
	maxSums = 256

	// minSumStep is the number of bytes after which the checksum of a file is
	// remembered while it is computed. For files of more than maxSumSteps times
	// as many bytes, the steps are longer.
	minSumStep  = 16 << 20
	maxSumSteps = 64
)

// A contentKind is the place of a file: files of different kinds may have the
// same name.
type contentKind int

const (
	offeredFile  contentKind = iota // in Server.FS
	uploadPart                      // the part of an upload
	uploadedFile                    // in Server.Uploads, complete
)

// A contentKey identifies the content of a file.
type contentKey struct {
	kind    contentKind
	name    string
	size    int64
	modTime time.Time
	change  time.Time // the time of the last change of the inode, if known
}

// keyOf returns the key of a file that was opened at a time. If the file may be
// written again without a change of its times, ok is false.
func keyOf(kind contentKind, name string, stat fs.FileInfo, opened time.Time) (key contentKey, ok bool) {
	key = contentKey{kind: kind, name: name, size: stat.Size(), modTime: stat.ModTime().UTC(), change: changeTime(stat).UTC()}
	return key, key.isSettled(opened)
}

// isSettled reports whether a write after the file was opened changes its
// modification time.
func (k contentKey) isSettled(opened time.Time) bool {
	return !k.modTime.IsZero() && opened.Sub(k.modTime) > timeGranularity && opened.Sub(k.change) > timeGranularity
}

// sums are the checksums of the beginnings of files that a server remembers. The
// ones that were used last are at the end.
type sums struct {
	mu   sync.Mutex
	list []knownSum
}

// A knownSum is the state of a SHA-256 that contains the bytes before an offset.
type knownSum struct {
	key    contentKey
	offset int64
	state  []byte
}

// best returns a hash that contains as much as is known of the first n bytes of
// a file, and the number of these bytes.
func (s *sums) best(key contentKey, n int64) (sum hash.Hash, offset int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := -1
	for i, known := range s.list {
		if known.key == key && known.offset <= n && known.offset > offset {
			found, offset = i, known.offset
		}
	}
	sum = sha256.New()
	if found < 0 || sum.(encoding.BinaryUnmarshaler).UnmarshalBinary(s.list[found].state) != nil {
		return sha256.New(), 0
	}
	used := s.list[found]
	s.list = append(slices.Delete(s.list, found, found+1), used)
	return sum, offset
}

// add remembers a hash that contains the bytes of a file before an offset.
func (s *sums) add(key contentKey, offset int64, sum hash.Hash) {
	state, err := sum.(encoding.BinaryMarshaler).MarshalBinary()
	if err != nil || offset == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list = slices.DeleteFunc(s.list, func(known knownSum) bool { return known.key == key && known.offset == offset })
	if len(s.list) == maxSums {
		s.list = slices.Delete(s.list, 0, 1)
	}
	s.list = append(s.list, knownSum{key, offset, state})
}

// A sharedSum is a hash of which the server remembers states.
type sharedSum struct {
	hash.Hash
	sums *sums // nil: nothing is remembered
	key  contentKey
	at   int64 // number of bytes
	step int64
}

// newSharedSum returns a hash that contains as much as the server knows of the
// first n bytes of a file. If the key is not settled, nothing is known.
func newSharedSum(s *sums, key contentKey, n int64, settled bool) *sharedSum {
	if !settled {
		return &sharedSum{Hash: sha256.New(), step: math.MaxInt64}
	}
	sum, at := s.best(key, n)
	return &sharedSum{Hash: sum, sums: s, key: key, at: at, step: max(minSumStep, key.size/maxSumSteps)}
}

// Write adds the next bytes of the file.
func (s *sharedSum) Write(p []byte) (int, error) {
	before := s.at / s.step
	s.Hash.Write(p) // never fails
	if s.at += int64(len(p)); s.at/s.step != before {
		s.remember()
	}
	return len(p), nil
}

// Reset removes all bytes.
func (s *sharedSum) Reset() {
	s.Hash.Reset()
	s.at = 0
}

// remember makes the server remember the present state.
func (s *sharedSum) remember() {
	if s.sums != nil {
		s.sums.add(s.key, s.at, s.Hash)
	}
}
