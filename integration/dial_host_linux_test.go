package integration

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"sync"
	"testing"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

// serveHTTP serves handler on a listener, and returns the URL and a client that
// has at most one connection.
func (l *lab) serveHTTP(t *testing.T, handler http.HandlerFunc) (url string, client *http.Client) {
	t.Helper()
	listener := l.listen(t)
	server := &http.Server{Handler: handler}
	served := hosttest.InBackground(func() error { return server.Serve(listener) })
	transport := &http.Transport{DialContext: l.dialer.DialHost, MaxConnsPerHost: 1}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		if err := server.Close(); err != nil {
			t.Errorf("closing the server: %v", err)
		}
		if err := <-served; err != http.ErrServerClosed {
			t.Errorf("Serve: %v, want http.ErrServerClosed", err)
		}
	})
	return "http://" + listener.Addr().(rfcomm.Addr).HostPort() + "/", &http.Client{Transport: transport}
}

// get reads the response to a request.
func get(client *http.Client, request *http.Request) (string, error) {
	response, err := client.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return string(body), err
}

func TestDialHostServesParallelRequests(t *testing.T) {
	l := inLab(t)
	const requests = 2
	var asked sync.WaitGroup // requests that have asked for a connection
	asked.Add(requests)
	url, client := l.serveHTTP(t, func(w http.ResponseWriter, r *http.Request) {
		asked.Wait()
		fmt.Fprint(w, "hello")
	})
	trace := &httptrace.ClientTrace{GetConn: func(string) { asked.Done() }}
	ctx := httptrace.WithClientTrace(t.Context(), trace)
	var group sync.WaitGroup
	for range requests {
		request, err := http.NewRequestWithContext(ctx, "GET", url, nil)
		if err != nil {
			t.Fatal(err)
		}
		group.Go(func() {
			if body, err := get(client, request); body != "hello" || err != nil {
				t.Errorf("got %q, %v; want hello", body, err)
			}
		})
	}
	group.Wait()
}

// The transport dials the next connection while the kernel is still closing the
// last one, and sometimes even before it has called Close.
func TestDialHostAfterEachClosedConnection(t *testing.T) {
	l := inLab(t)
	url, client := l.serveHTTP(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close")
		fmt.Fprint(w, "hello")
	})
	const clients, requests = 2, 20
	var group sync.WaitGroup
	for range clients {
		group.Go(func() {
			for range requests {
				request, err := http.NewRequestWithContext(t.Context(), "GET", url, nil)
				if err != nil {
					t.Error(err)
					return
				}
				if body, err := get(client, request); body != "hello" || err != nil {
					t.Errorf("got %q, %v; want hello", body, err)
				}
			}
		})
	}
	group.Wait()
}
