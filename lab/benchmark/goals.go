//go:build linux

package main

import "fmt"

// Goals are the figures that this module should reach, and whether the medians
// of the rounds reach them.
type goals struct{ table *table }

// atLeast notes a figure that should not be below its goal.
func (g *goals) atLeast(what string, values []float64, goal float64) {
	g.add(what, "at least", values, goal, median(values) >= goal)
}

// atMost notes a figure that should not be above its goal.
func (g *goals) atMost(what string, values []float64, goal float64) {
	g.add(what, "at most", values, goal, median(values) <= goal)
}

func (g *goals) add(what, relation string, values []float64, goal float64, reached bool) {
	if len(values) == 0 {
		return // there is no figure to compare with
	}
	if g.table == nil {
		g.table = newTable("Goals", "", "goal", "median", "quartiles", "")
	}
	verdict := "reached"
	if !reached {
		verdict = "**missed**"
	}
	g.table.row(what, fmt.Sprintf("%s %.2f", relation, goal), fmt.Sprintf("%.3f", median(values)),
		fmt.Sprintf("%.3f–%.3f", quantile(values, 0.25), quantile(values, 0.75)), verdict)
}

func (g *goals) print() {
	if g.table != nil {
		g.table.print()
	}
}
