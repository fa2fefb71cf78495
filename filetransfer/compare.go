package filetransfer

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
)

// errDiffers means that content differs from the file of its name, which must
// not be replaced.
var errDiffers = publicErrorf(fs.ErrExist, "file exists already, with other content")

// A comparer compares content with that of an existing file. Write returns
// errDiffers at the first difference. It stores nothing.
type comparer struct {
	file   io.Reader
	buffer []byte
}

func (c *comparer) Write(p []byte) (int, error) {
	for done := 0; done < len(p); {
		if c.buffer == nil {
			c.buffer = make([]byte, maxChunk)
		}
		part := p[done:min(len(p), done+len(c.buffer))]
		n, err := io.ReadFull(c.file, c.buffer[:len(part)])
		switch {
		case !bytes.Equal(part[:n], c.buffer[:n]) || err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF):
			return done, errDiffers
		case err != nil:
			return done, err
		}
		done += n
	}
	return len(p), nil
}

// end returns errDiffers if the file is longer than the content.
func (c *comparer) end() error {
	n, err := io.ReadFull(c.file, make([]byte, 1))
	switch {
	case n > 0:
		return errDiffers
	case err != io.EOF:
		return err
	}
	return nil
}
