package sdp

import "testing"

func TestErrorCodeString(t *testing.T) {
	for code, want := range map[ErrorCode]string{
		UnsupportedVersion:    "unsupported SDP version (0x0001)",
		InvalidRecordHandle:   "invalid service record handle (0x0002)",
		InvalidSyntax:         "invalid request syntax (0x0003)",
		InvalidPDUSize:        "invalid PDU size (0x0004)",
		InvalidContinuation:   "invalid continuation state (0x0005)",
		InsufficientResources: "insufficient resources (0x0006)",
		0x1234:                "unknown error (0x1234)",
	} {
		if got := code.String(); got != want {
			t.Errorf("String = %q, want %q", got, want)
		}
	}
}
