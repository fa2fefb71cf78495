package serial_test

import (
	"flag"
	"testing"

	"github.com/go-rfcomm/rfcomm/internal/test/programs"
)

// longFlag is set in one machine of lab/test -long. Tests of rare events then run
// 200 rounds: see rounds.
var longFlag = flag.Bool("long", false, "run 200 rounds of each fault instead of 10, or of 4 with -test.short")

// subprograms are the functions that tests run in processes of their own, by
// name. A file adds its programs in its function init. See start and
// startAsNobody.
var subprograms = map[string]programs.Program{}

func TestMain(m *testing.M) { programs.Main(m, subprograms) }
