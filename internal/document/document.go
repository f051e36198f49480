// Package document reads a workspace into positioned documents: it finds the
// files, parses YAML and JSON, checks the envelope (kind and id), and gives
// decoders nodes that know where they stand. It never stops at the first
// problem.
//
// yaml.v3 loses its strictness in custom decoding and reports no columns, so
// documents are walked as nodes here and nowhere else; no other package
// imports a YAML library.
package document

import (
	"path"

	"github.com/andmoneyaps/engage-playbooks"
)

// Document is one document of a workspace: a mapping with a kind.
type Document struct {
	// Kind and ID are the envelope. ID is empty only if it was missing, which
	// has then been reported.
	Kind, ID string
	// Name and Description are free text for people.
	Name, Description string
	// File is the path in the workspace, slash-separated.
	File string
	// Pos is where the document begins, IDPos where its id stands.
	Pos, IDPos engage.Pos
	// Body is the mapping itself, envelope included.
	Body Node
}

// Resolve gives the workspace path of a file that the document names relative
// to itself.
func (d *Document) Resolve(name string) string {
	return path.Join(path.Dir(d.File), name)
}

// Kind is a decoder of one kind of document. Decode reports what is wrong to
// problems and returns the decoded value, or nil if the document is of no use
// to others.
type Kind struct {
	Name   string
	Decode func(d *Document, problems *engage.Problems) any
}

// EnvelopeKeys are allowed in every document.
var EnvelopeKeys = []string{"kind", "id", "name", "description"}

// Mapping opens the document's body with the envelope keys and the given ones
// allowed.
func (d *Document) Mapping(problems *engage.Problems, keys ...string) Mapping {
	return d.Body.Mapping(problems, d.Kind, append(keys, EnvelopeKeys...)...)
}
