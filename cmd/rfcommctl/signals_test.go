package main

import (
	"context"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func TestRepeatedSignalIsOne(t *testing.T) {
	for name, tt := range map[string]struct {
		second syscall.Signal
		after  time.Duration
		ends   bool
	}{
		"by timeout(1)": {syscall.SIGTERM, time.Millisecond, false},
		"by a person":   {syscall.SIGTERM, time.Second, true},
		"another one":   {syscall.SIGINT, time.Millisecond, true},
	} {
		synctest.Test(t, func(t *testing.T) {
			signals, ended := make(chan os.Signal, 2), make(chan signalError, 1)
			ctx, cancel := context.WithCancelCause(t.Context())
			go func() { ended <- awaitSecond(signals, cancel) }()
			signals <- syscall.SIGTERM
			<-ctx.Done()
			if cause := context.Cause(ctx); cause != (signalError{syscall.SIGTERM}) {
				t.Errorf("%s: the context ends by %v", name, cause)
			}
			time.Sleep(tt.after)
			signals <- tt.second
			synctest.Wait()
			if got := len(ended) == 1; got != tt.ends {
				t.Errorf("%s: ended %v, want %v", name, got, tt.ends)
			}
			if !tt.ends {
				time.Sleep(time.Second)
				signals <- tt.second
			}
			if got := <-ended; got.number != tt.second {
				t.Errorf("%s: the signal is %v, want %v", name, got.number, tt.second)
			}
		})
	}
}
