package pattern

import "github.com/andmoneyaps/engage-playbooks/entity"

// LookupNeeds tells, for each of the destinations that an operation is given,
// whether [Pattern.Lookup] needs its value. It does not need the Id of a
// read-only part that is given by nothing else and of which nothing is read:
// such a value may be an [Unknown] then, and [Lookup.Give] brings it later.
func (p *Pattern) LookupNeeds(op Operation, given []Given) []bool {
	fields := map[string]int{}
	for _, g := range given {
		fields[g.Part]++
	}
	needs := make([]bool, len(given))
	for i, g := range given {
		part, ok := p.byRef[g.Part]
		later := ok && part.givenByID(fields[g.Part]) && g.Field == entity.IDField
		needs[i] = p.LookupReads(op, g.Part, g.Field) && !later
	}
	return needs
}

// givenByID reports whether a read-only part that got so many inputs, its Id
// among them, is known by that alone.
func (p *Part) givenByID(inputs int) bool {
	return p.ReadOnly && inputs == 1 && len(p.referencedFields()) == 0
}

// Give hands over the ids of read-only parts that were not known when the
// look-up was made; in is the whole input of the operation. The error is an
// [*Error].
func (l *Lookup) Give(in Input) error {
	inputs, err := l.pattern.inputs(l.op, in)
	if err != nil {
		return err
	}
	for i, part := range l.pattern.Parts {
		given := inputs[i]
		if _, ok := given.get(entity.IDField); !ok || !part.givenByID(len(given.values)) {
			continue
		}
		l.inputs[i], l.found[i] = given, &finding{part: part}
		if err := l.find(part, l.found[i]); err != nil {
			return err
		}
	}
	return nil
}
