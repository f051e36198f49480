package playbook

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"maps"
	"slices"
)

// Hash names the content of the workspace: it is the same for the same
// documents, with the files that they name, and for no others. Events and
// seeds have no part in it.
func (w *Workspace) Hash() string { return w.hash }

// hashed is a file system that hashes the files that are read to their end.
type hashed struct {
	fs.FS
	sums map[string][]byte
}

// Open opens a file.
func (h *hashed) Open(name string) (fs.File, error) {
	f, err := h.FS.Open(name)
	if err != nil {
		return nil, err
	}
	return &hashedFile{File: f, of: h, name: name, hash: sha256.New()}, nil
}

// ReadDir lists a folder.
func (h *hashed) ReadDir(name string) ([]fs.DirEntry, error) { return fs.ReadDir(h.FS, name) }

// sum is the hash over all files that were read, in the order of their names.
func (h *hashed) sum() string {
	all := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(h.sums)) {
		fmt.Fprintf(all, "%d:%s%x", len(name), name, h.sums[name])
	}
	return hex.EncodeToString(all.Sum(nil))
}

type hashedFile struct {
	fs.File
	of   *hashed
	name string
	hash hash.Hash
}

// Read reads on, and notes the file's hash at its end.
func (f *hashedFile) Read(p []byte) (int, error) {
	n, err := f.File.Read(p)
	f.hash.Write(p[:n])
	if errors.Is(err, io.EOF) {
		f.of.sums[f.name] = f.hash.Sum(nil)
	}
	return n, err
}
