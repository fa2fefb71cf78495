package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

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
		first, _ := (<-signals).(syscall.Signal)
		cancel(signalError{first})
		second, _ := (<-signals).(syscall.Signal)
		os.Exit(statusOf(signalError{second}))
	}()
	return ctx, func() { signal.Stop(signals); cancel(nil) }
}
