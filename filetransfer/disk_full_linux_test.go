package filetransfer_test

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm/filetransfer"
)

// A smallDisk is a file system in memory that is visible only to this process.
type smallDisk struct {
	testing.TB
	path string
}

// onSmallDisk runs the rest of a test in another process, on a disk that is too
// small. In the first process, elsewhere is true.
func onSmallDisk(t *testing.T, size string) (disk smallDisk, elsewhere bool) {
	t.Helper()
	const marker = "FILETRANSFER_TEST_DISK"
	if path := os.Getenv(marker); path != "" {
		d := smallDisk{t, path}
		// Without a user namespace, a mount would also appear in the other
		// mount namespaces.
		if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
			t.Fatal(err)
		}
		d.mount(0, size)
		return d, false
	}
	var output strings.Builder
	cmd, err := startInNamespaces(t, &output, marker+"="+t.TempDir())
	if err != nil {
		t.Skip("this system lets nobody make namespaces, to mount a small disk in: ", err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("%v\n%s", err, &output)
	}
	return smallDisk{}, true
}

// startInNamespaces starts this test in a process that may mount a disk. That
// needs a user namespace, except for root, who may be denied one in a chroot.
func startInNamespaces(t *testing.T, output io.Writer, variable string) (cmd *exec.Cmd, err error) {
	t.Helper()
	for _, attributes := range []*syscall.SysProcAttr{
		{
			Cloneflags:  unix.CLONE_NEWUSER | unix.CLONE_NEWNS,
			UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
			GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
		},
		{Cloneflags: unix.CLONE_NEWNS},
	} {
		cmd = exec.CommandContext(t.Context(), "/proc/self/exe", "-test.run=^"+t.Name()+"$", "-test.v")
		cmd.Env = append(os.Environ(), variable)
		cmd.SysProcAttr = attributes
		cmd.Stdout, cmd.Stderr = output, output
		if err = cmd.Start(); err == nil {
			return cmd, nil
		}
	}
	return nil, err
}

func (d smallDisk) mount(flags uintptr, size string) {
	d.Helper()
	if err := unix.Mount("small", d.path, "tmpfs", flags, "size="+size); err != nil {
		d.Fatal(err)
	}
}

// grow makes the disk large enough.
func (d smallDisk) grow() { d.mount(unix.MS_REMOUNT, "64m") }

// A blindStore does not know how much space is free.
type blindStore struct{ *filetransfer.Dir }

func (blindStore) Free() (int64, error) { return 0, errors.ErrUnsupported }

func TestUploadSparesReserveOfSmallDisk(t *testing.T) {
	disk, elsewhere := onSmallDisk(t, "1m")
	if elsewhere {
		return
	}
	const reserve = 512 << 10
	root := openDir(t, disk.path)
	c := filetransfer.NewClient(serve(t, "tcp", &filetransfer.Server{Uploads: filetransfer.NewDir(root), Reserve: reserve}).conn)
	defer c.Close()
	wantError(t, doPut(t.Context(), c, "new", unread{t}, filetransfer.Info{Size: 600 << 10}), syscall.ENOSPC)
	wantFiles(t, disk.path)
	content := random(1 << 20)
	wantError(t, doPut(t.Context(), c, "new", strings.NewReader(content), filetransfer.Info{Size: -1}), syscall.ENOSPC)
	wantFiles(t, disk.path, "new.part")
	var st unix.Statfs_t
	if err := unix.Statfs(disk.path, &st); err != nil {
		t.Fatal(err)
	}
	if free := int64(st.Bavail) * int64(st.Frsize); free < reserve || free > reserve+64<<10 {
		t.Errorf("%d bytes are free, want a little more than %d", free, reserve)
	}
	if err := doPut(t.Context(), c, "small", strings.NewReader("x"), filetransfer.Info{Size: 1 << 20}); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("another upload is answered with %v", err)
	}
}

func TestUploadResumesAfterServerDiskWasFull(t *testing.T) {
	disk, elsewhere := onSmallDisk(t, "256k")
	if elsewhere {
		return
	}
	content := random(1 << 20)
	local := filepath.Join(t.TempDir(), "file")
	writeFile(t, local, content)
	s := startServer(t, "pipe", &filetransfer.Server{FS: offered(), Uploads: blindStore{filetransfer.NewDir(openDir(t, disk.path))}})
	c := filetransfer.NewClient(s.dial())
	err := doUpload(t.Context(), c, local, "new")
	wantError(t, err, syscall.ENOSPC)
	if !strings.Contains(err.Error(), "the server reports: no space") {
		t.Errorf("the error is %v", err)
	}
	wantFiles(t, disk.path, "new.part")
	part := readFile(t, filepath.Join(disk.path, "new.part"))
	if part == "" || !strings.HasPrefix(content, part) {
		t.Errorf("the part has %d bytes that are not the file's", len(part))
	}
	for _, size := range []int64{-1, 1 << 20} {
		wantError(t, doPut(t.Context(), c, "other", strings.NewReader(content), filetransfer.Info{Size: size}), syscall.ENOSPC)
		os.Remove(filepath.Join(disk.path, "other.part")) // which may have fitted on the disk
	}
	// The connection is still usable.
	if _, err := c.Stat(t.Context(), "a.txt"); err != nil {
		t.Error(err)
	}
	if logged := s.log.String(); strings.Count(logged, "no space left on device") != 3 {
		t.Errorf("the log is\n%s", logged)
	}

	disk.grow()
	c.Progress = func(p filetransfer.Progress) {
		if p.Done < int64(len(part)) {
			t.Errorf("it begins again: %+v", p)
		}
	}
	if err := doUpload(t.Context(), c, local, "new"); err != nil {
		t.Error(err)
	}
	wantFiles(t, disk.path, "new")
	if readFile(t, filepath.Join(disk.path, "new")) != content {
		t.Error("what is stored is not the file")
	}
	c.Close()
	s.wantServing(t)
	s.stop(t)
}

func TestDownloadResumesAfterDiskWasFull(t *testing.T) {
	disk, elsewhere := onSmallDisk(t, "256k")
	if elsewhere {
		return
	}
	content := random(1 << 20)
	s := startServer(t, "pipe", &filetransfer.Server{FS: newDir(t, map[string]string{"a.txt": "hello", "file": content}).FS()})
	c := filetransfer.NewClient(s.dial())
	local := filepath.Join(disk.path, "file")
	_, err := c.Download(t.Context(), "file", local)
	wantError(t, err, syscall.ENOSPC)
	c.Close()
	wantFiles(t, disk.path, "file.part")
	part := readFile(t, local+".part")
	if part == "" || !strings.HasPrefix(content, part) {
		t.Errorf("the part has %d bytes that are not the file's", len(part))
	}
	s.wantServing(t)
	if logged := s.log.String(); !strings.Contains(logged, `get \"file\": the client reports: no space is left`) {
		t.Errorf("the log is\n%s", logged)
	}

	disk.grow()
	c = filetransfer.NewClient(s.dial())
	defer c.Close()
	c.Progress = func(p filetransfer.Progress) {
		if p.Done < int64(len(part)) {
			t.Errorf("it begins again: %+v", p)
		}
	}
	info, err := c.Download(t.Context(), "file", local)
	if err != nil {
		t.Fatal(err)
	}
	wantSum(t, info, content)
	wantFiles(t, disk.path, "file")
	c.Close()
	s.stop(t)
}
