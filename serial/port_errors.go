package serial

import "io"

// opError returns err as the error of an operation between the two ends.
func (p *Port) opError(op string, err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	return network.OpError(op, p.local, p.remote, err)
}

// localError returns err as the error of an operation on this end alone.
func (p *Port) localError(op string, err error) error {
	if err == nil {
		return nil
	}
	return network.OpError(op, nil, p.local, err)
}
