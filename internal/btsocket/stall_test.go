package btsocket

import (
	"testing"
	"time"
)

func TestStallOver(t *testing.T) {
	type look struct {
		after  time.Duration // since the first call
		queued int
		over   bool
	}
	for name, looks := range map[string][]look{
		"never shrinks": {{0, 100, false}, {stallLimit - 1, 100, false}, {stallLimit, 100, true}},
		"shrinks": {
			{0, 100, false}, {stallLimit - 1, 99, false},
			{2*stallLimit - 2, 99, false}, {2*stallLimit - 1, 99, true},
		},
		// The holder of a duplicate may write. The peer still takes no data.
		"only grows":           {{0, 100, false}, {stallLimit / 2, 200, false}, {stallLimit, 300, true}},
		"shrinks after growth": {{0, 100, false}, {stallLimit / 2, 300, false}, {stallLimit, 200, false}},
	} {
		t.Run(name, func(t *testing.T) {
			s := stall{limit: stallLimit}
			first := time.Now()
			for _, look := range looks {
				if over := s.over(look.queued, first.Add(look.after)); over != look.over {
					t.Errorf("with %d bytes after %v, over returned %t", look.queued, look.after, over)
				}
			}
		})
	}
}
