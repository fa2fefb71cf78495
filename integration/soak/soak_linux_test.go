package soak

import (
	"context"
	"flag"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
	"github.com/go-rfcomm/rfcomm/rfcommtest"
)

var (
	lasts = flag.Duration("soak.lasts", time.Minute, "duration of the faults")
	seed  = flag.Uint64("soak.seed", 0, "seed of the faults; if 0, a random one")
)

func TestSoak(t *testing.T) {
	if *seed == 0 {
		*seed = rand.Uint64N(1_000_000) + 1
	}
	t.Logf("faults for %v from -soak.seed %d", *lasts, *seed)
	hosttest.LeavesNothingBehind(t, func() {
		radio := rfcommtest.Require(t, rfcommtest.Config{Controllers: 8})
		defer radio.Close()
		s := newServer(t, radio.Controllers()[0])
		defer s.close()

		faulty, end := context.WithTimeout(t.Context(), *lasts)
		defer end()
		var clients sync.WaitGroup
		var all []*client
		for number, c := range radio.Controllers()[1:] {
			one := newClient(t, number, c, s)
			all = append(all, one)
			clients.Go(func() { one.stream(faulty) })
			clients.Go(func() { one.files(faulty) })
		}
		f := newFaults(t, radio, *seed)
		f.happen(faulty)
		f.mend()
		clients.Wait() // for a last round of each without faults
		for _, one := range all {
			one.report()
		}
		f.report()
	})
}
