package faults

const transfersConnected = "a transfer begins after the connection has been made"

var gettingFramed = &activity{
	name: "get, framed dialect", run: func(s *scenario) { runTransfer(s, framedGet) },
	plans: map[*fault]plan{
		pageTimesOut: {never: transfersConnected},
		refusedPage:  {never: transfersConnected},
		noListener:   {never: transfersConnected},
		lost08:       {want: []string{"ETIMEDOUT"}, when: afterSupervision},
		lost13:       {want: []string{"io.ErrUnexpectedEOF"}},
		lost14:       {want: []string{"io.ErrUnexpectedEOF"}},
		lost15:       {want: []string{"io.ErrUnexpectedEOF"}},
		stallFor1s:   {want: []string{success}, when: afterStall},
		stallForEver: {want: []string{"os.ErrDeadlineExceeded"}, within: idleWithin, when: afterIdle},
		ownDown:      {want: []string{"ECONNABORTED"}},
		farDown:      {want: []string{"ETIMEDOUT"}, when: afterSupervision},
		ownGone:      {want: []string{"ECONNABORTED"}},
		farGone:      {want: []string{"ETIMEDOUT"}, when: afterSupervision},
		killed:       {want: []string{"io.ErrUnexpectedEOF"}},
		neverReads:   {want: []string{"os.ErrDeadlineExceeded"}, within: idleWithin, when: afterIdle},
		rubbish:      {want: []string{"error"}},
		wrongFrames:  {want: []string{success}, when: afterTransfer, note: "another device sends them; the kernel ignores them"},
	},
}

var puttingFramed = &activity{
	name: "put, framed dialect", run: func(s *scenario) { runTransfer(s, framedPut) },
	plans: map[*fault]plan{
		pageTimesOut: {never: transfersConnected},
		refusedPage:  {never: transfersConnected},
		noListener:   {never: transfersConnected},
		lost08:       {want: orNotConnected("ETIMEDOUT"), when: afterSupervision},
		lost13:       {want: orNotConnected("ECONNRESET")},
		lost14:       {want: orNotConnected("ECONNRESET")},
		lost15:       {want: orNotConnected("ECONNRESET")},
		stallFor1s:   {want: []string{success}, when: afterStall},
		stallForEver: {want: []string{"os.ErrDeadlineExceeded"}, within: idleWithin, when: afterIdle},
		ownDown:      {want: orNotConnected("ECONNABORTED")},
		farDown:      {want: orNotConnected("ETIMEDOUT"), when: afterSupervision},
		ownGone:      {want: orNotConnected("ECONNABORTED")},
		farGone:      {want: orNotConnected("ETIMEDOUT"), when: afterSupervision},
		killed:       {want: orNotConnected("ECONNRESET")},
		neverReads:   {want: []string{"os.ErrDeadlineExceeded"}, within: idleWithin, when: afterIdle},
		rubbish:      {want: []string{"error"}},
		wrongFrames:  {want: []string{success}, when: afterTransfer, note: "another device sends them; the kernel ignores them"},
	},
}

var gettingPlain = &activity{
	name: "get, plain dialect", run: func(s *scenario) { runTransfer(s, plainGet) },
	plans: map[*fault]plan{
		pageTimesOut: {never: transfersConnected},
		refusedPage:  {never: transfersConnected},
		noListener:   {never: transfersConnected},
		lost08:       {want: []string{"ETIMEDOUT"}, when: afterSupervision},
		lost13:       {want: []string{"io.ErrUnexpectedEOF"}},
		lost14:       {want: []string{"io.ErrUnexpectedEOF"}},
		lost15:       {want: []string{"io.ErrUnexpectedEOF"}},
		stallFor1s:   {want: []string{success}, when: afterStall},
		stallForEver: {want: []string{"os.ErrDeadlineExceeded"}, within: idleWithin, when: afterSilence},
		ownDown:      {want: []string{"ECONNABORTED"}},
		farDown:      {want: []string{"ETIMEDOUT"}, when: afterSupervision},
		ownGone:      {want: []string{"ECONNABORTED"}},
		farGone:      {want: []string{"ETIMEDOUT"}, when: afterSupervision},
		killed:       {want: []string{"io.ErrUnexpectedEOF"}},
		neverReads:   {want: []string{"os.ErrDeadlineExceeded"}, within: idleWithin, when: afterSilence},
		rubbish:      {want: []string{"error"}},
		wrongFrames:  {want: []string{success}, when: afterTransfer, note: "another device sends them; the kernel ignores them"},
	},
}
