//go:build linux

package main

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// Outcomes are the results of several competitors over the rounds.
type outcomes struct {
	samples map[string][]sample // one for each round; without units if the round failed
	failed  map[string]error    // the last failure
}

// rounds runs all competitors in each round, so that a temporary load of the
// machine affects all alike. The first competitor changes from round to round.
func rounds(count int, names []string, measure func(name string) (sample, error)) outcomes {
	o := outcomes{samples: map[string][]sample{}, failed: map[string]error{}}
	order := slices.Clone(names)
	for range count {
		for _, name := range order {
			var s sample
			// A competitor that hangs once hangs again, and takes long.
			if !errors.Is(o.failed[name], errHangs) {
				var err error
				if s, err = measure(name); err != nil {
					progress("%s: %v", name, err)
					o.failed[name] = err
					s = sample{}
				}
			}
			o.samples[name] = append(o.samples[name], s)
		}
		order = append(order[1:], order[0])
	}
	return o
}

// A metric is a figure of a sample.
type metric func(sample) float64

// values returns the values of the rounds that succeeded.
func (o outcomes) values(name string, m metric) []float64 {
	var values []float64
	for _, s := range o.samples[name] {
		if s.units > 0 {
			values = append(values, m(s))
		}
	}
	return values
}

// quotients returns, for each round, the quotient of one competitor and
// another.
func (o outcomes) quotients(name, by string, m metric) []float64 {
	var values []float64
	others := o.samples[by]
	for i, s := range o.samples[name] {
		if i < len(others) && s.units > 0 && others[i].units > 0 {
			values = append(values, m(s)/m(others[i]))
		}
	}
	return values
}

func median(values []float64) float64 { return quantile(values, 0.5) }

// quantile returns the value below which that part of the values lies. It
// interpolates between two values if necessary. It returns NaN if there are no
// values.
func quantile(values []float64, part float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	place := part * float64(len(sorted)-1)
	below := int(place)
	above := min(below+1, len(sorted)-1)
	return sorted[below] + (sorted[above]-sorted[below])*(place-float64(below))
}

// cell returns the figure of a competitor, or a text if there is none.
func (o outcomes) cell(name string, m metric, format string) string {
	if values := o.values(name, m); len(values) > 0 {
		return figure(values, format)
	}
	switch err := o.failed[name]; {
	case errors.Is(err, errHangs):
		return "hangs"
	case err != nil:
		return "fails"
	}
	return "—"
}

// times returns the figure of a quotient.
func (o outcomes) times(name, by string, m metric) string {
	if values := o.quotients(name, by, m); len(values) > 0 {
		return figure(values, "%.2f")
	}
	return "—"
}

// figure returns the median of the values of the rounds in the form of the
// tables, with the spread: the lowest and the highest, unless they look the same.
func figure(values []float64, format string) string {
	low, high := fmt.Sprintf(format, slices.Min(values)), fmt.Sprintf(format, slices.Max(values))
	if low == high {
		return low
	}
	return fmt.Sprintf(format+" (%s–%s)", median(values), low, high)
}
