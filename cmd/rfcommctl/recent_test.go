package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/go-rfcomm/rfcomm"
)

// newRecentList returns an empty list and its clock.
func newRecentList(t *testing.T) (recentList, *time.Time) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	return recentList{cacheFile{filepath.Join(t.TempDir(), "new", "devices.json"), func() time.Time { return now }}}, &now
}

func wantRecent(t *testing.T, l recentList, want ...string) {
	t.Helper()
	var got []string
	for _, d := range l.devices() {
		got = append(got, d.Address.String()+" "+d.Name)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("recently found devices (-want +got):\n%s", diff)
	}
}

func TestRecentListExpires(t *testing.T) {
	l, now := newRecentList(t)
	wantRecent(t, l)
	add := func(address rfcomm.BDAddr, name string) {
		t.Helper()
		if err := l.add([]recentDevice{{address, name, *now}}); err != nil {
			t.Fatal(err)
		}
	}
	add(printerAddr, "printer")
	*now = now.Add(recentAge)
	add(scannerAddr, "scanner")
	wantRecent(t, l, "00:AA:01:00:00:02 scanner", "00:AA:01:00:00:01 printer")
	*now = now.Add(time.Second)
	wantRecent(t, l, "00:AA:01:00:00:02 scanner")
	*now = now.Add(-time.Hour) // the clock was wrong when it saw the scanner
	wantRecent(t, l, "00:AA:01:00:00:01 printer")
}

func TestRecentListAddKeepsNames(t *testing.T) {
	l, now := newRecentList(t)
	for _, name := range []string{"old", "new \xff", ""} {
		*now = now.Add(time.Hour)
		if err := l.add([]recentDevice{{printerAddr, name, *now}}); err != nil {
			t.Fatal(err)
		}
	}
	wantRecent(t, l, "00:AA:01:00:00:01 new \ufffd")
	if got := l.devices()[0].Seen; !got.Equal(*now) {
		t.Errorf("seen at %v, want %v", got, *now)
	}
}

func TestRecentListIsBounded(t *testing.T) {
	l, now := newRecentList(t)
	for i := range 3 {
		var many []recentDevice
		for j := range recentCount / 2 {
			many = append(many, recentDevice{rfcomm.BDAddr{1, 2, 3, 4, byte(i), byte(j)}, fmt.Sprint(i), now.Add(time.Duration(i))})
		}
		*now = now.Add(time.Minute)
		if err := l.add(many); err != nil {
			t.Fatal(err)
		}
	}
	devices := l.devices()
	if len(devices) != recentCount || devices[0].Name != "2" || devices[recentCount-1].Name != "1" {
		t.Errorf("%d devices, %v to %v, want the %d newest", len(devices), devices[0], devices[len(devices)-1], recentCount)
	}
}

func TestRecentListIgnoresDamagedFiles(t *testing.T) {
	l, now := newRecentList(t)
	if err := os.Mkdir(filepath.Dir(l.path), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"", "null", "{}", `[{"address":"nonsense"}]`, `[{"seen":"2025-12-31T23:00:00Z"}]`, "[" + strings.Repeat(" ", cacheSize) + "]"} {
		if err := os.WriteFile(l.path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		wantRecent(t, l)
	}
	if err := l.add([]recentDevice{{printerAddr, "printer", *now}}); err != nil {
		t.Fatal(err)
	}
	wantRecent(t, l, "00:AA:01:00:00:01 printer")
	files, err := os.ReadDir(filepath.Dir(l.path))
	if err != nil || len(files) != 1 {
		t.Errorf("files %v, %v, want the list alone", files, err)
	}
}

func TestRecentListNeedsNoCacheDirectory(t *testing.T) {
	l := recentList{cacheFile{"", time.Now}}
	if err := l.add([]recentDevice{{printerAddr, "printer", time.Now()}}); err != nil {
		t.Error(err)
	}
	wantRecent(t, l)
}
