package dataverse

import "context"

// BulkOptions of [Client.Bulk].
type BulkOptions struct {
	// ChunkSize bounds the writes of one request. Default: adapts between 10
	// and 1,000.
	ChunkSize int
	// Report is called after each request with what it settled, from several
	// goroutines at once. Default: none.
	Report func([]Written)
}

// Bulk sends the writes in chunks; refused ones do not stop the others.
func (c *Client) Bulk(ctx context.Context, cs *ChangeSet, opts *BulkOptions) ([]Written, error) {
	panic("not yet")
}
