package filetransfer

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/url"
	"strconv"
	"time"

	"github.com/go-rfcomm/rfcomm/internal/partfile"
)

// Keys of the fields.
const (
	nameKey    = "Name"     // path of a file or directory, with %XX as in a URL
	sizeKey    = "Size"     // bytes of the whole content, or unknownSize
	modeKey    = "Mode"     // permission bits, in octal
	modTimeKey = "Modified" // modification time in UTC, as in RFC 3339
	typeKey    = "Type"     // directoryType or otherType; files have no Type
	offsetKey  = "Offset"   // position at which the following content begins
	lengthKey  = "Length"   // number of bytes of a range
	sumKey     = "SHA-256"  // checksum of the content, or of the part before the offset
	replaceKey = "Replace"  // yes: replace an existing file
	parentsKey = "Parents"  // yes: create the missing directories of the name
	resumeKey  = "Resume"   // yes: offer the part that the server has
	presentKey = "Present"  // yes: the server has the complete file
)

const (
	unknownSize   = "unknown"
	directoryType = "directory"
	otherType     = "other"
	yes           = "yes"
)

// checkName returns an error unless name is a valid name of a file.
func checkName(name string) error {
	if !partfile.ValidPath(name) || name == "." {
		return publicErrorf(fs.ErrInvalid, "invalid name %.300q: it must be a relative path with slashes, without .. or an empty part", name)
	}
	return nil
}

// withName adds a name, escaped to one printable word.
func (b block) withName(name string) block {
	return b.with(nameKey, (&url.URL{Path: name}).EscapedPath())
}

// name returns the unescaped name. It may be any text.
func (b block) name() (string, error) {
	name, err := url.PathUnescape(b.get(nameKey))
	if err != nil {
		return "", malformed("%v", err)
	}
	return name, nil
}

// hasMode reports whether the permission bits are known.
func (info Info) hasMode() bool { return info.ModeKnown || info.Mode.Perm() != 0 }

// permissions returns the permission bits, or the default ones if they are
// unknown.
func (info Info) permissions() fs.FileMode {
	if !info.hasMode() {
		return 0o666
	}
	return info.Mode.Perm()
}

// maxYear is the last year that RFC 3339 can express. The first one is 0.
const maxYear = 9999

// withInfo adds the fields of an Info, except its name and checksum.
func (b block) withInfo(info Info) block {
	if info.Size < 0 {
		b = b.with(sizeKey, unknownSize)
	} else {
		b = b.with(sizeKey, strconv.FormatInt(info.Size, 10))
	}
	if modTime := info.ModTime.UTC(); !modTime.IsZero() && modTime.Year() >= 0 && modTime.Year() <= maxYear {
		b = b.with(modTimeKey, modTime.Format(time.RFC3339Nano))
	}
	if info.hasMode() {
		b = b.with(modeKey, fmt.Sprintf("%04o", info.Mode.Perm()))
	}
	switch {
	case info.Mode.IsDir():
		b = b.with(typeKey, directoryType)
	case !info.Mode.IsRegular():
		b = b.with(typeKey, otherType)
	}
	return b
}

// info returns the Info in the fields.
func (b block) info(name string) (Info, error) {
	info := Info{Name: name, Size: -1}
	var err error
	if value := b.get(sizeKey); value != unknownSize {
		if info.Size, err = parseCount(value); err != nil {
			return info, err
		}
	}
	if value := b.get(modTimeKey); value != "" {
		if info.ModTime, err = time.Parse(time.RFC3339Nano, value); err != nil {
			return info, malformed("%v", err)
		}
	}
	if value := b.get(modeKey); value != "" {
		mode, err := strconv.ParseUint(value, 8, 32)
		if err != nil || fs.FileMode(mode) != fs.FileMode(mode).Perm() {
			return info, malformed("mode %s", printable(value))
		}
		info.Mode, info.ModeKnown = fs.FileMode(mode), true
	}
	switch b.get(typeKey) {
	case "":
	case directoryType:
		info.Mode |= fs.ModeDir
	default: // includes types of later versions
		info.Mode |= fs.ModeIrregular
	}
	return info, nil
}

// parseCount parses a number of bytes.
func parseCount(value string) (int64, error) {
	n, err := strconv.ParseUint(value, 10, 63)
	if err != nil {
		return 0, malformed("number %s", printable(value))
	}
	return int64(n), nil
}

// withPart adds an offset and the checksum of the bytes before it, unless the
// offset is 0.
func (b block) withPart(offset int64, sum []byte) block {
	if offset == 0 {
		return b
	}
	return b.with(offsetKey, strconv.FormatInt(offset, 10)).withSum(sum)
}

// part returns the offset and the checksum of the bytes before it. Without an
// offset, it returns 0.
func (b block) part() (offset int64, sum []byte, err error) {
	value := b.get(offsetKey)
	if value == "" {
		return 0, nil, nil
	}
	if offset, err = parseCount(value); err != nil || offset == 0 {
		return 0, nil, err
	}
	sum, err = b.sum()
	return offset, sum, err
}

// withSpan adds the offset and length of a range.
func (b block) withSpan(offset, length int64) block {
	return b.with(offsetKey, strconv.FormatInt(offset, 10)).with(lengthKey, strconv.FormatInt(length, 10))
}

// span returns the offset and length of a range. The default offset is 0.
func (b block) span() (offset, length int64, err error) {
	if value := b.get(offsetKey); value != "" {
		if offset, err = parseCount(value); err != nil {
			return 0, 0, err
		}
	}
	length, err = parseCount(b.get(lengthKey))
	return offset, length, err
}

// withSum adds a checksum.
func (b block) withSum(sum []byte) block { return b.with(sumKey, hex.EncodeToString(sum)) }

// sum returns the checksum.
func (b block) sum() ([]byte, error) {
	sum, err := hex.DecodeString(b.get(sumKey))
	if err != nil || len(sum) != sha256.Size {
		return nil, malformed("%s %s", sumKey, printable(b.get(sumKey)))
	}
	return sum, nil
}
