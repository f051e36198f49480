package playbook

import (
	"fmt"

	"github.com/andmoneyaps/engage-playbooks/entity"
	"github.com/andmoneyaps/engage-playbooks/pattern"
)

// shapes are the shapes of the outputs of CRM blocks that one load has made:
// many blocks have the same pattern, and many patterns the same definitions.
type shapes struct {
	patterns map[shapeOf[pattern.Pattern]]*shape
	records  map[shapeOf[entity.Definition]]*shape
}

// shapeOf is what a shape was made of; read tells what a read gives from what a
// write gives.
type shapeOf[T any] struct {
	of   *T
	read bool
}

func newShapes() *shapes {
	return &shapes{patterns: map[shapeOf[pattern.Pattern]]*shape{}, records: map[shapeOf[entity.Definition]]*shape{}}
}

// ofPattern is the shape of a block's output.
func (s *shapes) ofPattern(p *pattern.Pattern, read bool) *shape {
	key := shapeOf[pattern.Pattern]{p, read}
	if known := s.patterns[key]; known != nil {
		return known
	}
	result := object()
	for _, part := range p.Parts {
		result.add(part.Ref, s.ofRecords(part.Entity, read))
	}
	made := object().add("Results", listOf(result))
	s.patterns[key] = made
	return made
}

// ofRecords is the shape of a part's records in a result.
func (s *shapes) ofRecords(d *entity.Definition, read bool) *shape {
	key := shapeOf[entity.Definition]{d, read}
	if known := s.records[key]; known != nil {
		return known
	}
	record := objectOf(len(d.Fields) + 3)
	for _, f := range d.Fields {
		if read {
			record.add(f.Name, ofField(f))
		} else {
			record.add(f.Name, ofSent(f))
		}
	}
	if read {
		each := objectOf(len(d.Fields))
		for _, f := range d.Fields {
			each.add(f.Name, dynamic)
		}
		record.add("_etag", textShape).add("_labels", each).add("_types", each)
		record.names = record.names[:len(record.names)-3]
	} else {
		record.absent = map[string]string{}
		for _, name := range []string{"_etag", "_labels", "_types"} {
			record.absent[name] = fmt.Sprintf("only an EntityPatternRead gives %s", name)
		}
	}
	made := listOf(record)
	s.records[key] = made
	return made
}
