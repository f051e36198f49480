package cli

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
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

// writeFile writes a file whole or not at all: beside it first, then renamed. A
// link stays, and what is no file, such as /dev/stdout, is written to.
func writeFile(name string, mode os.FileMode, write func(*output) error) (err error) {
	if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() {
		return writeInto(name, write)
	}
	if real, err := filepath.EvalSymlinks(name); err == nil {
		name = real
	}
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return fmt.Errorf("%s cannot be written: %w", name, cause(err))
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name())
			err = fmt.Errorf("%s cannot be written: %w", name, cause(err))
		}
	}()
	out := &output{w: f}
	if err = write(out); err == nil {
		err = out.err
	}
	if chmod := f.Chmod(mode); err == nil {
		err = chmod
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}

// writeInto writes to a device or a pipe.
func writeInto(name string, write func(*output) error) error {
	f, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("%s cannot be written: %w", name, cause(err))
	}
	out := &output{w: f}
	err = write(out)
	if err == nil {
		err = out.err
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return fmt.Errorf("%s cannot be written: %w", name, cause(err))
	}
	return nil
}
