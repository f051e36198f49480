package playbook

import (
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/andmoneyaps/engage-playbooks/dataverse"
	"github.com/andmoneyaps/engage-playbooks/pattern"
)

// outcomes are what became of the writes of a part, by index.
type outcomes struct {
	mu   sync.Mutex
	ends []end
	errs map[int]error
	// ids are those that the service told, where they are not as planned.
	ids map[int]dataverse.GUID
}

// end is how a write ended.
type end uint8

const (
	endNone end = iota
	endWritten
	endUnchanged
	endFailed
)

func newOutcomes(n int) *outcomes {
	return &outcomes{ends: make([]end, n), errs: map[int]error{}, ids: map[int]dataverse.GUID{}}
}

// add notes outcomes. planned is the id that a write was planned with.
func (o *outcomes) add(written []dataverse.Written, planned func(i int) string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, w := range written {
		switch {
		case w.Err != nil:
			o.ends[w.Index], o.errs[w.Index] = endFailed, w.Err
			continue
		case w.Unchanged:
			o.ends[w.Index] = endUnchanged
		default:
			o.ends[w.Index] = endWritten
		}
		if w.ID != "" && string(w.ID) != planned(w.Index) {
			o.ids[w.Index] = w.ID
		}
	}
}

// rest gives those that did not end the error of the whole.
func (o *outcomes) rest(failed error) {
	for i, e := range o.ends {
		if e == endNone {
			o.ends[i], o.errs[i] = endFailed, failed
		}
	}
}

// failures are the writes that failed, in order.
func (o *outcomes) failures() []int { return slices.Sorted(maps.Keys(o.errs)) }

// wholePart is a part of a plan.
type wholePart struct {
	step *step
	plan *pattern.WritePlan
	from int
	set  dataverse.ChangeSet
}

func (p *wholePart) len() int { return len(p.set.Writes) }

func (p *wholePart) send(ctx context.Context, c *dataverse.Client, done *outcomes) error {
	written, err := c.Bulk(ctx, &p.set, nil)
	done.add(written, func(i int) string { return string(p.set.Writes[i].ID) })
	return err
}

func (p *wholePart) write(i int) dataverse.Write { return p.set.Writes[i] }

func (p *wholePart) record(done *outcomes) {
	for i, e := range done.ends {
		if e != endFailed {
			p.step.wrote(p.plan, p.from+i, done.ids[i], e == endUnchanged)
		}
	}
}

// piece is a part whose writes exist only while they are sent.
type piece struct {
	step *step
	*pattern.Piece
	last *pattern.Pieces // of which it is the last; else nil
}

func (p *piece) len() int { return p.Len }

func (p *piece) send(ctx context.Context, c *dataverse.Client, done *outcomes) error {
	return c.BulkStream(ctx, p.Table, p.Len, p.Fill, &dataverse.BulkOptions{
		Report: func(written []dataverse.Written) { done.add(written, p.ID) },
	})
}

func (p *piece) write(i int) dataverse.Write {
	var w [1]dataverse.Write
	p.Fill(w[:], i)
	return w[0]
}

// record makes the records of the writes, many at once. They are what a run
// holds at the end, so what was needed to write is let go before.
func (p *piece) record(done *outcomes) {
	if p.last != nil && len(done.errs) == 0 {
		p.last.Release()
	}
	b := p.step.b
	b.writes = slices.Grow(b.writes, p.Len-len(done.errs))
	var slab []WriteRecord
	var columns []string
	for i, name := range p.Names() {
		if done.ends[i] == endFailed {
			continue
		}
		if len(slab) == cap(slab) {
			slab = make([]WriteRecord, 0, min(256, p.Len-i))
		}
		columns = slices.Clip(p.Columns(i, columns))
		rec := WriteRecord{Block: b.Name, Part: name, Operation: string(p.Operation), Table: p.Table, ID: p.ID(i), Columns: columns}
		if id, told := done.ids[i]; told {
			rec.ID = string(id)
		}
		if done.ends[i] == endUnchanged {
			rec.Operation = Unchanged
		}
		slab = append(slab, rec)
		b.writes = append(b.writes, &slab[len(slab)-1])
		p.step.tellWrite(&slab[len(slab)-1])
	}
}
