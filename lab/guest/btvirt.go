//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// btvirt is BlueZ's emulator of controllers: one process that holds two of
// them and the radio between.
type btvirt struct {
	mu      sync.Mutex
	process *os.Process   // nil while removed
	ended   chan struct{} // closed when process has ended
}

// start starts the emulator with two controllers of BR/EDR.
func (b *btvirt) start() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.process != nil {
		return errors.New("the adapters are there already")
	}
	log, err := os.OpenFile(runFolder+"/btvirt.log", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	command := exec.Command("btvirt", "-B", "-l2")
	command.Stdout = log
	command.Stderr = log
	if err := command.Start(); err != nil {
		return fmt.Errorf("starting btvirt (package bluez-test-tools): %w", err)
	}
	ended := make(chan struct{})
	b.process, b.ended = command.Process, ended
	go func() {
		_ = command.Wait()
		close(ended)
	}()
	return nil
}

// running tells whether the emulator is there, stopped or not.
func (b *btvirt) running() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.process != nil
}

// signal sends a signal to the emulator.
func (b *btvirt) signal(signal unix.Signal) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.process == nil {
		return errors.New("the adapters were removed; restore them first")
	}
	return b.process.Signal(signal)
}

// remove ends the emulator at once: both controllers are gone as if unplugged.
func (b *btvirt) remove() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.process == nil {
		return nil
	}
	if err := b.process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-b.ended:
	case <-time.After(10 * time.Second):
		return errors.New("btvirt did not end within 10 s of SIGKILL")
	}
	b.process = nil
	return nil
}
