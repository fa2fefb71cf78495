package sdp_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/l2cap"
	"github.com/go-rfcomm/rfcomm/internal/test/labtest"
	"github.com/go-rfcomm/rfcomm/sdp"
)

// searchVariable is the environment variable that makes this test binary search,
// instead of running tests. Its value is a searchArguments in JSON.
const searchVariable = "RFCOMM_TEST_SEARCH"

type searchArguments struct {
	Adapter, Device rfcomm.BDAddr
	UUIDs           []sdp.UUID
}

// search searches with the Client, and prints a list of the encoded records in
// JSON.
func search(arguments string) error {
	if os.Geteuid() == 0 {
		return errors.New("the search has the privileges of root")
	}
	var a searchArguments
	if err := json.Unmarshal([]byte(arguments), &a); err != nil {
		return err
	}
	conn, err := l2cap.Dial(context.Background(), a.Adapter, l2cap.Addr{Device: a.Device, PSM: 1})
	if err != nil {
		return err
	}
	c := sdp.NewClient(conn)
	defer c.Close()
	records, err := c.Search(context.Background(), a.UUIDs)
	if err != nil {
		return err
	}
	var encoded [][]byte
	for _, r := range records {
		b, err := r.MarshalBinary()
		if err != nil {
			return err
		}
		encoded = append(encoded, b)
	}
	return json.NewEncoder(os.Stdout).Encode(encoded)
}

// searchAsNobody returns the records that a search by user nobody finds.
func (a *air) searchAsNobody(t *testing.T, uuids ...sdp.UUID) (records []*sdp.Record) {
	t.Helper()
	arguments, err := json.Marshal(searchArguments{a.near.Addr(), a.far.Addr(), uuids})
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	command := labtest.AsNobody(t)
	command.Env = append(os.Environ(), fmt.Sprintf("%s=%s", searchVariable, arguments))
	command.Stderr = &stderr
	output, err := command.Output()
	if err != nil {
		t.Fatalf("searching as nobody: %v\n%s", err, &stderr)
	}
	var encoded [][]byte
	if err := json.Unmarshal(output, &encoded); err != nil {
		t.Fatalf("%v in %q", err, output)
	}
	for _, b := range encoded {
		r, err := sdp.ParseRecord(b)
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, r)
	}
	return records
}
