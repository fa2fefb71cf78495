package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// sameSignal is the time in which a signal and its repetition count as one:
// timeout(1) sends a signal to the program, and then to its process group.
const sameSignal = 100 * time.Millisecond

// withSignals returns a context that ends at the first signal that asks the
// program to end; the second signal ends the program at once. The cause of the
// context is a signalError. Signals that are ignored, as by nohup, stay ignored.
//
// A Write to a pipe without a reader fails with EPIPE instead of killing the
// program, so that the program can close its connections.
func withSignals(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	signals := make(chan os.Signal, 2)
	for _, number := range []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP} {
		if !signal.Ignored(number) {
			signal.Notify(signals, number)
		}
	}
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	go func() {
		os.Exit(statusOf(awaitSecond(signals, cancel)))
	}()
	return ctx, func() { signal.Stop(signals); cancel(nil) }
}

// awaitSecond passes the first signal to cancel, and returns the second one.
func awaitSecond(signals <-chan os.Signal, cancel context.CancelCauseFunc) signalError {
	first, _ := (<-signals).(syscall.Signal)
	began := time.Now()
	cancel(signalError{first})
	for {
		next, _ := (<-signals).(syscall.Signal)
		if next != first || time.Since(began) > sameSignal {
			return signalError{next}
		}
	}
}
