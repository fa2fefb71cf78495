package sdp_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"testing"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/test/labtest"
	"github.com/go-rfcomm/rfcomm/sdp"
)

// taskVariable is the environment variable with the task, in JSON, that this test
// binary performs as user nobody instead of running tests.
const taskVariable = "RFCOMM_TEST_TASK"

// A task of a program without privileges.
type task struct {
	Name            string // in tasks
	Adapter, Device rfcomm.BDAddr
	UUID            sdp.UUID
	Line            string
}

// tasks are the functions of tasks, by name. The results are printed in JSON.
var tasks = map[string]func(context.Context, task) (any, error){
	"search": func(ctx context.Context, t task) (any, error) { return t.search(ctx) },
	"dial":   func(ctx context.Context, t task) (any, error) { return t.dial(ctx) },
}

// runTask performs a task and prints its result.
func runTask(text string) error {
	if os.Geteuid() == 0 {
		return errors.New("the task has the privileges of root")
	}
	var t task
	if err := json.Unmarshal([]byte(text), &t); err != nil {
		return err
	}
	result, err := tasks[t.Name](context.Background(), t)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(result)
}

// search returns the encoded records that contain the UUID. It checks that all
// three transactions return the same records.
func (t task) search(ctx context.Context) (encoded [][]byte, err error) {
	c, err := sdp.Connect(ctx, t.Adapter, t.Device)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	records, err := c.Search(ctx, []sdp.UUID{t.UUID})
	if err != nil {
		return nil, err
	}
	handles, err := c.Services(ctx, t.UUID)
	if err != nil {
		return nil, err
	}
	if len(handles) != len(records) {
		return nil, fmt.Errorf("Services returns %d handles, Search %d records", len(handles), len(records))
	}
	for i, r := range records {
		if h, ok := r.Handle(); !ok || h != handles[i] {
			return nil, fmt.Errorf("Services returns the handle %#x, the record has %#x", handles[i], h)
		}
		alone, err := c.Attributes(ctx, handles[i])
		if err != nil {
			return nil, err
		}
		b, err := r.MarshalBinary()
		if err != nil {
			return nil, err
		}
		if other, err := alone.MarshalBinary(); err != nil || !bytes.Equal(b, other) {
			return nil, fmt.Errorf("Attributes returns %v, %v, Search %v", alone, err, r)
		}
		encoded = append(encoded, b)
	}
	return encoded, nil
}

// dial connects to a service, sends the line, and returns the answer.
func (t task) dial(ctx context.Context) (answer string, err error) {
	d := sdp.Dialer{RFCOMM: rfcomm.Dialer{LocalAddr: rfcomm.Addr{Device: t.Adapter}}}
	conn, err := d.Dial(ctx, t.Device, t.UUID)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if _, err := conn.Write([]byte(t.Line)); err != nil {
		return "", err
	}
	b, err := io.ReadAll(conn)
	return string(b), err
}

// asNobody performs a task for the far controller, at the near one, as user
// nobody, and stores its result.
func (a *air) asNobody(t *testing.T, todo task, result any) {
	t.Helper()
	todo.Adapter, todo.Device = a.near.Addr(), a.far.Addr()
	text, err := json.Marshal(todo)
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	command := labtest.AsNobody(t)
	command.Env = append(os.Environ(), fmt.Sprintf("%s=%s", taskVariable, text))
	command.Stderr = &stderr
	output, err := command.Output()
	if err != nil {
		t.Fatalf("%s as nobody: %v\n%s", todo.Name, err, &stderr)
	}
	if err := json.Unmarshal(output, result); err != nil {
		t.Fatalf("%s as nobody: %v in %q", todo.Name, err, output)
	}
}

// searchAsNobody returns the records that contain a UUID.
func (a *air) searchAsNobody(t *testing.T, uuid sdp.UUID) (records []*sdp.Record) {
	t.Helper()
	var encoded [][]byte
	a.asNobody(t, task{Name: "search", UUID: uuid}, &encoded)
	for _, b := range encoded {
		r, err := sdp.ParseRecord(b)
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, r)
	}
	return records
}
