package cli

import (
	"io"
)

// readLimited reads all of r and refuses more than limit bytes.
func readLimited(r io.Reader, what string, limit int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, usagef("--%s cannot be read: %v", what, cause(err))
	}
	if int64(len(data)) > limit {
		return nil, usagef("--%s is larger than %d MiB", what, limit>>20)
	}
	return data, nil
}
