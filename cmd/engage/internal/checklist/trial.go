package checklist

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/andmoneyaps/engage-playbooks/dataverse"
	"github.com/andmoneyaps/engage-playbooks/entity"
	"github.com/andmoneyaps/engage-playbooks/pattern"
	"github.com/andmoneyaps/engage-playbooks/playbook"
)

// trials create the records of every pattern that a playbook creates with, as
// the identity that does, and delete them again. The others are named: nobody
// has, or should have, the privilege to create what no playbook creates.
func (l *List) trials(ctx context.Context) {
	if !l.Write {
		return
	}
	type key struct {
		pattern  string
		identity playbook.Identity
	}
	tried := map[key]bool{}
	used := map[string][]string{} // a pattern's operations
	for _, p := range l.Workspace.Playbooks() {
		for _, b := range p.Blocks {
			if b.Pattern != nil && !slices.Contains(used[b.Pattern.ID], string(b.Operation)) {
				used[b.Pattern.ID] = append(used[b.Pattern.ID], string(b.Operation))
			}
			if b.Operation != pattern.Create && b.Operation != pattern.Upsert {
				continue
			}
			k := key{b.Pattern.ID, b.Identity}
			if tried[k] || ctx.Err() != nil {
				continue
			}
			tried[k] = true
			name := fmt.Sprintf("create %s as the %s", b.Pattern.ID, b.Identity)
			status, message := l.trial(ctx, b.Pattern, b.Identity)
			l.add(status, name, "%s", message)
		}
	}
	for _, p := range l.Workspace.Patterns() {
		operations := used[p.ID]
		if slices.Contains(operations, string(pattern.Create)) || slices.Contains(operations, string(pattern.Upsert)) {
			continue
		}
		reason := "no playbook uses it"
		switch {
		case !slices.ContainsFunc(p.Parts, func(part *pattern.Part) bool { return !part.ReadOnly }):
			reason = "all its parts are read only"
		case len(operations) > 0:
			slices.Sort(operations)
			reason = "playbooks only " + strings.Join(operations, " and ") + " with it"
		}
		l.add(OK, "create "+p.ID, "nothing to try: %s", reason)
	}
}

// trial creates and deletes the records of one pattern. Nothing is created
// that nobody could delete.
func (l *List) trial(ctx context.Context, p *pattern.Pattern, as playbook.Identity) (Status, string) {
	creator := l.client(as)
	if creator == nil {
		return Warning, fmt.Sprintf("not tried: there is no token of the %s", as)
	}
	bound, err := l.bound(ctx, creator, p)
	if err != nil {
		return Failed, "not tried: " + said(err)
	}
	in, missing, err := samples(ctx, creator, bound)
	switch {
	case err != nil:
		return Failed, "not tried: " + said(err)
	case missing != "":
		return Warning, "not tried: " + missing
	}
	plan, err := planned(ctx, creator, bound, in)
	if err != nil {
		return Failed, "not tried: " + said(err)
	}
	undo := removal(plan)
	remover, err := l.remover(ctx, as, undo)
	switch {
	case err != nil:
		return Failed, "not tried: " + said(err)
	case remover == nil:
		return Warning, "not tried: neither identity may delete records of " + tablesOf(undo) + ", so that they would stay"
	}
	_, failed := creator.Apply(ctx, plan.ChangeSet)
	if failed != nil && !unsure(ctx, failed) {
		return Failed, fmt.Sprintf("%s: give the %s the privilege; nothing was created", said(failed), as)
	}
	// What was created is deleted even when the check is interrupted.
	clean, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanTimeout)
	defer cancel()
	left := removeAll(clean, remover, undo)
	switch {
	case len(left) > 0:
		return Failed, "created, and could not be deleted again: delete by hand " + strings.Join(left, ", ")
	case failed != nil:
		return Failed, said(failed) + "; what there was of the records was deleted again"
	}
	return OK, fmt.Sprintf("%d records of %s created and deleted again", len(undo), tablesOf(undo))
}

// cleanTimeout bounds the deletion of what a trial created.
const cleanTimeout = 30 * time.Second

// unsure reports whether a failed write may have happened.
func unsure(ctx context.Context, err error) bool {
	_, status := remote(err)
	return ctx.Err() != nil || status == 0 || status >= 500
}

func (l *List) client(id playbook.Identity) *dataverse.Client {
	if id == playbook.IdentityApplication {
		return l.application
	}
	return l.employee
}

func (l *List) bound(ctx context.Context, c *dataverse.Client, p *pattern.Pattern) (*pattern.Pattern, error) {
	done := map[*entity.Definition]*entity.Definition{}
	for _, part := range p.Parts {
		d, err := part.Entity.Bind(ctx, c, l.Workspace.Definitions()...)
		if err != nil {
			return nil, err
		}
		done[part.Entity] = d
	}
	return p.With(func(d *entity.Definition) *entity.Definition { return done[d] }), nil
}

// samples are values for what a creation must have: a record that is there for
// each read-only part, and something for each required field. missing says
// what cannot be had.
func samples(ctx context.Context, c *dataverse.Client, p *pattern.Pattern) (in pattern.Input, missing string, err error) {
	give := func(part, field string, v any) {
		in = append(in, pattern.Value{Part: part, Field: field, Data: v, Source: "engage check"})
	}
	for i, d := range p.Describe(pattern.Create).Parts {
		part := p.Parts[i]
		if part.Optional {
			continue
		}
		if part.ReadOnly {
			id, err := anyRecord(ctx, c, part.Entity)
			if err != nil {
				return nil, "", err
			}
			if id == "" {
				return nil, fmt.Sprintf("there is no record of %s for part %s to link to", part.Entity.Table, part.Ref), nil
			}
			give(part.Ref, entity.IDField, id)
			continue
		}
		for _, f := range d.Fields {
			if !f.Required || f.ReadOnly || f.BoundTo != nil || f.Default != nil || f.Name == entity.IDField {
				continue
			}
			field, _ := part.Entity.Field(f.Name)
			v, ok := sample(field)
			if !ok {
				return nil, fmt.Sprintf("the check has no value for %s.%s, a required %s", part.Ref, f.Name, f.Type), nil
			}
			give(part.Ref, f.Name, v)
		}
	}
	return in, "", nil
}

// sample is a value of the field's type.
func sample(f *entity.Field) (any, bool) {
	switch f.Type {
	case entity.TypeString:
		text := []rune("Engage check")
		if f.MaxLength > 0 && f.MaxLength < len(text) {
			text = text[:f.MaxLength]
		}
		return string(text), true
	case entity.TypeBoolean:
		return false, true
	case entity.TypeInt, entity.TypeDouble, entity.TypeDecimal, entity.TypeMoney:
		return json.Number("1"), true
	case entity.TypeDateTime:
		return "2030-01-01T12:00:00Z", true
	case entity.TypeDate:
		return "2030-01-01", true
	case entity.TypeGuid:
		return string(randomID("", 0)), true
	case entity.TypeChoice:
		if len(f.Choices) > 0 {
			return f.Choices[0].Label, true
		}
	case entity.TypeChoices:
		if len(f.Choices) > 0 {
			return []any{f.Choices[0].Label}, true
		}
	}
	return nil, false
}

// anyRecord is the id of some record of the table; "" without one.
func anyRecord(ctx context.Context, c *dataverse.Client, d *entity.Definition) (string, error) {
	q := &dataverse.Query{EntitySet: d.EntitySet, Table: d.Table, Select: []string{d.PrimaryKey}, Top: 1}
	for row, err := range c.Query(ctx, q) {
		return row.Text(d.PrimaryKey), err
	}
	return "", nil
}

func planned(ctx context.Context, c *dataverse.Client, p *pattern.Pattern, in pattern.Input) (*pattern.WritePlan, error) {
	o := pattern.Options{Now: time.Now(), NewID: randomID}
	if err := p.Check(pattern.Create, in, o); err != nil {
		return nil, err
	}
	found, err := p.Lookup(pattern.Create, in, o)
	if err != nil {
		return nil, err
	}
	var answers [][]dataverse.Record
	for {
		fetches, err := found.Next(answers)
		if err != nil {
			return nil, err
		}
		if len(fetches) == 0 {
			break
		}
		answers = make([][]dataverse.Record, len(fetches))
		for i, f := range fetches {
			for row, err := range c.Query(ctx, f.Query) {
				if err != nil {
					return nil, err
				}
				answers[i] = append(answers[i], row)
			}
		}
	}
	return p.Write(pattern.Create, in, found, o)
}

// randomID lets the check know its records even when an answer is lost.
func randomID(string, int) dataverse.GUID {
	var u [16]byte
	rand.Read(u[:])
	u[6], u[8] = u[6]&0x0f|0x40, u[8]&0x3f|0x80
	return dataverse.GUID(fmt.Sprintf("%x-%x-%x-%x-%x", u[0:4], u[4:6], u[6:8], u[8:10], u[10:]))
}

// removal deletes what the plan creates, dependents first.
func removal(plan *pattern.WritePlan) []dataverse.Write {
	var undo []dataverse.Write
	for _, w := range slices.Backward(plan.ChangeSet.Writes) {
		if w.Operation == dataverse.Create {
			undo = append(undo, dataverse.Write{Operation: dataverse.Delete, Table: w.Table, EntitySet: w.EntitySet, PrimaryKey: w.PrimaryKey, ID: w.ID})
		}
	}
	return undo
}

// remover is an identity that may delete the records; nil: none may.
func (l *List) remover(ctx context.Context, creator playbook.Identity, undo []dataverse.Write) (*dataverse.Client, error) {
	var needs []dataverse.Privilege
	for _, w := range undo {
		needs = append(needs, dataverse.Privilege{Verb: string(remove), Table: w.Table})
	}
	for _, c := range []*dataverse.Client{l.client(creator), l.application, l.employee} {
		if c == nil {
			continue
		}
		lacking, err := c.Lacking(ctx, needs...)
		if err != nil {
			return nil, err
		}
		if len(lacking) == 0 {
			return c, nil
		}
	}
	return nil, nil
}

// removeAll deletes the records one by one, and names those that are left.
func removeAll(ctx context.Context, c *dataverse.Client, undo []dataverse.Write) (left []string) {
	for _, w := range undo {
		_, err := c.Apply(ctx, &dataverse.ChangeSet{Writes: []dataverse.Write{w}})
		if _, status := remote(err); err != nil && status != 404 {
			left = append(left, w.Table+" "+string(w.ID))
		}
	}
	return left
}

func tablesOf(undo []dataverse.Write) string {
	var tables []string
	for _, w := range undo {
		if !slices.Contains(tables, w.Table) {
			tables = append(tables, w.Table)
		}
	}
	slices.Sort(tables)
	return strings.Join(tables, ", ")
}
