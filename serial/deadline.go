package serial

import "time"

// longAgo is a deadline that makes pending calls return.
var longAgo = time.Unix(1, 0)
