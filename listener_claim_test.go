package rfcomm

import (
	"context"
	"errors"
	"os"
	"slices"
	"syscall"
	"testing"
	"testing/synctest"

	"github.com/go-rfcomm/rfcomm/internal/neterr"
)

// claims returns a claim function that appends the channels to tried. A channel
// in used fails with EADDRINUSE the given number of times.
func claims(used map[int]int, tried *[]int) func(int) error {
	return func(channel int) error {
		*tried = append(*tried, channel)
		if used[channel] > 0 {
			used[channel]--
			return os.NewSyscallError("bind", syscall.EADDRINUSE)
		}
		return nil
	}
}

func TestClaimChannelSkipsUsedOnes(t *testing.T) {
	var tried []int
	err := claimChannel(t.Context(), 0, claims(map[int]int{1: 1, 2: 1}, &tried))
	if want := []int{1, 2, 3}; err != nil || !slices.Equal(tried, want) {
		t.Errorf("tried %v, %v; want %v, nil", tried, err, want)
	}
}

func TestClaimChannelRetries(t *testing.T) {
	var tried []int
	err := claimChannel(t.Context(), 7, claims(map[int]int{7: claimAttempts - 1}, &tried))
	if err != nil || len(tried) != claimAttempts {
		t.Errorf("tried %v, %v; want nil after %d attempts", tried, err, claimAttempts)
	}
}

func TestClaimChannelRetriesWhenAllAreUsed(t *testing.T) {
	used := make(map[int]int)
	for channel := 1; channel <= maxChannel; channel++ {
		used[channel] = 1
	}
	var tried []int
	err := claimChannel(t.Context(), 0, claims(used, &tried))
	if err != nil || len(tried) != maxChannel+1 || tried[maxChannel] != 1 {
		t.Errorf("tried %v, %v; want 1 to %d, and 1 again", tried, err, maxChannel)
	}
}

func TestClaimChannelGivesUp(t *testing.T) {
	for _, channel := range []int{0, 7} {
		calls := 0
		err := claimChannel(t.Context(), channel, func(int) error { calls++; return syscall.EADDRINUSE })
		want := claimAttempts
		if channel == 0 {
			want *= maxChannel
		}
		if !errors.Is(err, syscall.EADDRINUSE) || calls != want {
			t.Errorf("channel %d: %v after %d calls, want EADDRINUSE after %d", channel, err, calls, want)
		}
	}
}

func TestClaimChannelReturnsOtherErrors(t *testing.T) {
	for _, want := range []error{
		syscall.EMFILE,
		&neterr.ControlError{Err: syscall.EADDRINUSE}, // of the caller's own function
	} {
		for _, channel := range []int{0, 7} {
			calls := 0
			err := claimChannel(t.Context(), channel, func(int) error { calls++; return want })
			if err != want || calls != 1 {
				t.Errorf("channel %d: %v after %d calls, want %v after 1", channel, err, calls, want)
			}
		}
	}
}

func TestClaimChannelEndsWithContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		calls := 0
		err := claimChannel(ctx, 7, func(int) error { calls++; cancel(); return syscall.EADDRINUSE })
		if err != context.Canceled || calls != 1 {
			t.Errorf("got %v after %d calls, want context.Canceled after 1", err, calls)
		}
	})
}
