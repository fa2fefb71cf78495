package partfile

import (
	"testing"

	"golang.org/x/sys/unix"
)

func TestFreeReturnsSpaceForUsers(t *testing.T) {
	d := newDirectory(t)
	got, err := Free(d.root)
	d.must(err)
	var st unix.Statfs_t
	d.must(unix.Statfs(d.path, &st))
	want := int64(st.Bavail) * int64(st.Frsize)
	// Other processes write to the same file system.
	if got <= 0 || got > 2*want || got < want/2 {
		t.Errorf("%d bytes, want about %d", got, want)
	}
}

func TestFreeFailsOnClosedRoot(t *testing.T) {
	d := newDirectory(t)
	d.root.Close()
	if got, err := Free(d.root); err == nil {
		t.Errorf("got %d", got)
	}
}
