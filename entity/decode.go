package entity

import (
	"github.com/andmoneyaps/engage-playbooks"
	"github.com/andmoneyaps/engage-playbooks/internal/document"
)

// Kind decodes documents of kind EntityDefinition into [*Definition].
var Kind = document.Kind{Name: "EntityDefinition", Decode: decode}

func decode(d *document.Document, problems *engage.Problems) any {
	return nil
}
