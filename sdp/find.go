package sdp

import (
	"context"
	"errors"
	"io"
	"os"
	"slices"
	"syscall"

	"github.com/go-rfcomm/rfcomm"
)

// A finder searches one device, with requests that devices which implement SDP
// poorly answer as well. Its channel stays open until close.
type finder struct {
	// connect opens a channel to the device's SDP server. If a request fails
	// and takes the channel with it, the next one opens another channel.
	connect func(context.Context) (*Client, error)

	client  *Client       // nil without a channel
	adapter rfcomm.BDAddr // of the last channel; before the first, the one to use, or zero for any
}

// close closes the channel. It does not wait for the device.
func (f *finder) close() {
	if f.client != nil {
		f.client.Close()
		f.client = nil
	}
}

// search makes one search for records that contain all of the UUIDs. It can
// return records as well as an error. Some devices close the channel after each
// answer, so that a search on a channel with earlier searches is repeated on
// another one.
func (f *finder) search(ctx context.Context, uuids ...UUID) ([]*Record, error) {
	again := f.client != nil && !f.client.isClosed()
	records, err := f.searchOnce(ctx, uuids)
	if again && ctx.Err() == nil && hungUp(err) {
		return f.searchOnce(ctx, uuids)
	}
	return records, err
}

func (f *finder) searchOnce(ctx context.Context, uuids []UUID) ([]*Record, error) {
	if f.client != nil && f.client.isClosed() {
		f.close()
	}
	if f.client == nil {
		client, err := f.connect(ctx)
		if err != nil {
			return nil, err
		}
		f.client = client
	}
	return f.client.Search(ctx, uuids)
}

// find returns the records that contain all of the services and that suit, and
// those that the device offers otherwise. It searches for the services. If that
// yields no record that suits, it searches for L2CAP, which is in all records
// that matter here, and picks the records of the services itself. Some devices
// answer only the one search, some only the other. The public browse group does
// not help, because many devices lack it.
//
// The error is nil if the device has answered one of the searches and was not
// lost during the other.
func (f *finder) find(ctx context.Context, services []UUID, suits func(*Record) bool) (found, offered []*Record, err error) {
	direct, directErr := f.search(ctx, services...)
	if found = suitable(direct, services, suits); len(found) > 0 {
		return found, nil, nil
	}
	if directErr != nil && !isOdd(ctx, directErr) {
		return nil, nil, directErr
	}
	offered, browseErr := f.search(ctx, ProtocolL2CAP)
	found = slices.DeleteFunc(slices.Clone(offered), func(r *Record) bool { return !suits(r) || !containsAll(r, services) })
	switch {
	case len(found) > 0:
		return found, nil, nil
	case browseErr == nil:
		return nil, merge(direct, offered), nil
	case isOdd(ctx, browseErr):
		return nil, merge(direct, offered), directErr
	}
	return nil, nil, browseErr
}

// suitable returns the records of the answer to a search that suit and contain
// the services. If there are none, it returns those that suit and do not have
// service classes: they are incomplete, and the device knows why it returned
// them. A device that returns records of other classes ignores the search.
func suitable(records []*Record, services []UUID, suits func(*Record) bool) []*Record {
	var containing, incomplete []*Record
	for _, r := range records {
		switch {
		case !suits(r):
		case containsAll(r, services):
			containing = append(containing, r)
		case len(r.Classes()) == 0:
			incomplete = append(incomplete, r)
		}
	}
	if len(containing) > 0 {
		return containing
	}
	return incomplete
}

func containsAll(r *Record, services []UUID) bool {
	return !slices.ContainsFunc(services, func(u UUID) bool { return !r.Contains(u) })
}

// isOdd reports whether err shows that the device is there and treats SDP
// oddly: it answers with an error, against the protocol, or not at all, closes
// the channel, or takes no request that is so long. Another request, on another
// channel if necessary, may succeed.
func isOdd(ctx context.Context, err error) bool {
	if ctx.Err() != nil {
		return false
	}
	_, response := errors.AsType[*ResponseError](err)
	_, violation := errors.AsType[*ProtocolError](err)
	return response || violation || hungUp(err) ||
		errors.Is(err, ErrRequestTooLarge) || errors.Is(err, os.ErrDeadlineExceeded)
}

// hungUp reports whether err shows that the device has closed the channel,
// before or after a request was sent. Before, write(2) fails with ECONNRESET, or
// with ENOTCONN if the last read has consumed that (l2cap_sock_sendmsg).
func hungUp(err error) bool {
	failed, ok := errors.AsType[*os.SyscallError](err)
	return errors.Is(err, io.ErrUnexpectedEOF) ||
		ok && failed.Syscall == "write" && (errors.Is(failed, syscall.ECONNRESET) || errors.Is(failed, syscall.ENOTCONN))
}

// lacksServer reports whether err shows that the device is there and has no SDP
// server: it refuses the channel, closes it at every attempt before connect(2)
// returns, or does not answer the request for it.
func lacksServer(err error) bool {
	failed, ok := errors.AsType[*os.SyscallError](err)
	if !ok || failed.Syscall != "connect" {
		return false
	}
	return errors.Is(failed, syscall.ECONNREFUSED) || errors.Is(failed, syscall.ECONNRESET) || errors.Is(failed, syscall.ETIMEDOUT)
}

// browse returns all records of the device: those that contain L2CAP, and those
// in the public browse group, such as the PnP Information, which uses no
// protocol. The error is nil if the device has answered one of the searches and
// was not lost during the other.
func (f *finder) browse(ctx context.Context) ([]*Record, error) {
	using, firstErr := f.search(ctx, ProtocolL2CAP)
	if firstErr != nil && !isOdd(ctx, firstErr) {
		return nil, firstErr
	}
	public, err := f.search(ctx, PublicBrowseRoot)
	switch {
	case err != nil && !isOdd(ctx, err):
		return nil, err
	case err != nil && firstErr != nil && len(using)+len(public) == 0:
		return nil, firstErr
	}
	return merge(using, public), nil
}

// merge returns the records of both lists, without those of more that are in
// records too. A device can list many records, so that merge does not compare
// each with each.
func merge(records, more []*Record) []*Record {
	seen := make(map[identity]struct{}, len(records)+len(more))
	for _, r := range records {
		seen[identityOf(r)] = struct{}{}
	}
	for _, r := range more {
		id := identityOf(r)
		if _, ok := seen[id]; !ok {
			seen[id] = struct{}{}
			records = append(records, r)
		}
	}
	return records
}

// An identity distinguishes the records of one device: by their handles, and
// those without a handle by their encodings.
type identity struct {
	handle  uint32
	encoded string // empty if the record has a handle
}

func identityOf(r *Record) identity {
	if handle, ok := r.Handle(); ok {
		return identity{handle: handle}
	}
	return identity{encoded: r.element().bytes()}
}
