package examples_test

import "testing"

func TestPairWithoutBus(t *testing.T) {
	stdout, stderr := run(t, 1, "pair", nil, withoutBus)
	checkSilent(t, stdout)
	checkOneLine(t, stderr, "pair: ")
}
