//go:build linux

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// moduleFiles is the directory of the kernel's modules in the initramfs, which
// is still the root of PID 1.
const moduleFiles = "/proc/1/root/modules"

// unloadRFCOMM unloads the module rfcomm, so that the kernel behaves as
// if it had never been loaded. Connections that are still closing delay
// this for a while.
func unloadRFCOMM() error {
	for end := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		err := unix.DeleteModule("rfcomm", unix.O_NONBLOCK)
		switch {
		case err == nil || err == unix.ENOENT:
			return nil
		case err != unix.EAGAIN && err != unix.EBUSY || time.Now().After(end):
			return fmt.Errorf("unloading the module rfcomm: %w", err)
		}
	}
}

// loadRFCOMM loads the module rfcomm again.
func loadRFCOMM() error {
	found, err := filepath.Glob(filepath.Join(moduleFiles, "rfcomm.ko*"))
	if err != nil || len(found) != 1 {
		return fmt.Errorf("no module rfcomm in %s: found %q, %v", moduleFiles, found, err)
	}
	file, err := os.Open(found[0])
	if err != nil {
		return err
	}
	defer file.Close()
	if err := unix.FinitModule(int(file.Fd()), "", 0); err != nil && err != unix.EEXIST {
		return fmt.Errorf("loading %s: %w", found[0], err)
	}
	return nil
}
