package paging

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

var (
	one    = [6]byte{1}
	two    = [6]byte{2}
	anyOne = [6]byte{}
)

// started returns an activity that has started and is closed when the test
// ends.
func started(t *testing.T, adapter [6]byte) *Activity {
	t.Helper()
	a := Register(adapter)
	t.Cleanup(a.Close)
	if !a.Start() {
		t.Fatal("the activity did not start")
	}
	return a
}

// begin calls Begin in the background and returns a channel that receives end.
func begin(ctx context.Context, adapter [6]byte) <-chan func() {
	began := make(chan func(), 1)
	go func() { began <- Begin(ctx, adapter) }()
	return began
}

func TestBeginWaitsForActivities(t *testing.T) {
	for name, adapter := range map[string][6]byte{"its adapter": one, "any adapter": anyOne} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, b := started(t, one), started(t, one)
				began := begin(t.Context(), adapter)
				<-a.Changed()
				<-b.Changed()
				if !a.PagePending() || a.Start() {
					t.Error("an activity started during a page")
				}
				a.Stop()
				synctest.Wait()
				select {
				case <-began:
					t.Fatal("the page did not wait for the second activity")
				default:
				}
				b.Stop()
				end := <-began
				end()
				<-a.Changed()
				if a.PagePending() || !a.Start() {
					t.Error("the activity did not start again after the page")
				}
			})
		})
	}
}

func TestBeginIgnoresOtherAdapters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := started(t, one)
		before := time.Now()
		end := Begin(t.Context(), two)
		defer end()
		if time.Since(before) != 0 || a.PagePending() || !a.Start() {
			t.Error("a page of one adapter stopped the activity of another")
		}
	})
}

func TestBeginCountsPages(t *testing.T) {
	ends := []func(){Begin(t.Context(), one), Begin(t.Context(), anyOne), Begin(t.Context(), one)}
	a := Register(one)
	defer a.Close()
	for i, end := range ends {
		if a.Start() {
			t.Errorf("the activity started after the end of %d of 3 pages", i)
		}
		end()
	}
	<-a.Changed()
	if !a.Start() {
		t.Error("the activity did not start after the last page")
	}
	if len(registry.pages) != 0 {
		t.Errorf("the registry still holds the pages %v", registry.pages)
	}
}

func TestBeginWaitsBriefly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		started(t, one)
		before := time.Now()
		Begin(t.Context(), one)()
		if took := time.Since(before); took != patience {
			t.Errorf("Begin waited for %v, want %v", took, patience)
		}
		ctx, cancel := context.WithTimeout(t.Context(), patience/4)
		defer cancel()
		before = time.Now()
		Begin(ctx, one)()
		if took := time.Since(before); took != patience/4 {
			t.Errorf("Begin waited for %v, longer than its context", took)
		}
	})
}

func TestActivityCloseEndsWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := started(t, one)
		began := begin(t.Context(), one)
		<-a.Changed()
		a.Close()
		before := time.Now()
		end := <-began
		end()
		if time.Since(before) != 0 || len(registry.activities) != 0 {
			t.Error("a closed activity still holds pages up")
		}
	})
}

// A dial calls Begin even if nothing is registered.
func BenchmarkBegin(b *testing.B) {
	ctx := context.Background()
	b.ReportAllocs()
	for b.Loop() {
		Begin(ctx, one)()
	}
}
