package sdp

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/hci"
	"github.com/go-rfcomm/rfcomm/internal/test/sdppeer"
)

func TestLinkWatchWaitsForTheEnd(t *testing.T) {
	adapter := rfcomm.BDAddr{2}
	open := map[[6]byte]hci.Link{adapter: {}}
	const endsAfter = 4 * linkInterval
	for name, tt := range map[string]struct {
		adapter rfcomm.BDAddr // of the SDP channel; zero if the device has refused the channel
		before  map[[6]byte]hci.Link
		ends    time.Duration // when the link ends
		err     error         // of the look-up
		within  time.Duration // of the dial
		waits   time.Duration
		closes  bool
	}{
		"opened by the search":   {adapter, nil, endsAfter, nil, time.Minute, endsAfter, true},
		"open before":            {adapter, open, endsAfter, nil, time.Minute, 0, false},
		"other adapter's before": {adapter, map[[6]byte]hci.Link{{3}: {}}, endsAfter, nil, time.Minute, endsAfter, true},
		"held open":              {adapter, nil, time.Hour, nil, time.Minute, linkEndsIn, true},
		"dial ends":              {adapter, nil, time.Hour, nil, time.Second, time.Second, true},
		"not known":              {adapter, nil, time.Hour, errors.New("no HCI"), time.Minute, 0, true},
		"channel refused":        {rfcomm.BDAddr{}, nil, endsAfter, nil, time.Minute, endsAfter, true},
		"refused, open before":   {rfcomm.BDAddr{}, open, endsAfter, nil, time.Minute, 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), tt.within)
				defer cancel()
				f := fakeDialer{peer: sdppeer.Peer{Answer: sdppeer.FindsNothing}}
				finder := f.finder()
				defer finder.close()
				finder.adapter = tt.adapter
				if !tt.adapter.IsZero() {
					if _, err := finder.search(ctx, SerialPort); err != nil {
						t.Fatal(err)
					}
				}
				began := time.Now()
				w := linkWatch{before: tt.before, links: func(context.Context) (map[[6]byte]hci.Link, error) {
					if tt.err != nil || time.Since(began) >= tt.ends {
						return nil, tt.err
					}
					return open, nil
				}}
				w.prepare(ctx, finder)
				if waited := time.Since(began); waited != tt.waits {
					t.Errorf("waited for %v, want %v", waited, tt.waits)
				}
				if closed := finder.client == nil; closed != tt.closes {
					t.Errorf("the SDP channel was closed: %v, want %v", closed, tt.closes)
				}
			})
		})
	}
}
