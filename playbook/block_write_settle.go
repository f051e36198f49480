package playbook

import (
	"context"
	"errors"

	"github.com/andmoneyaps/engage-playbooks/dataverse"
	"github.com/andmoneyaps/engage-playbooks/pattern"
)

// settleChanges reads back what an update or upsert would have left whose
// answer was lost. Records that hold all that was sent are as the block wants
// them: it has succeeded. A record that is not there was not written, and
// neither was the rest of its change set. Anything else stays unknown: the
// service rounds and trims, and others write too, so that a difference proves
// nothing.
//
// A record that is closed takes no changes; if it holds what was sent, an
// earlier run of the event has closed it, and the write is unchanged.
func (s *step) settleChanges(ctx, ask context.Context, c *dataverse.Client, plan *pattern.WritePlan, failed error, unsure bool) error {
	var seen observed
	state := make([]presence, len(plan.Writes))
	err := s.presentChanges(seen.context(ask), c, plan, state)
	s.chain += s.note(&seen, reads)
	if err != nil {
		if rule, ok := errors.AsType[*ruleError](err); ok && rule.code == dataverse.CodeObjectDoesNotExist {
			return s.refused(plan, failed)
		}
		if unsure {
			s.unsettled("the service could not be asked")
		}
		return s.refused(plan, failed)
	}
	for i := range state {
		switch state[i].verdict {
		case VerdictCreate:
			return s.refused(plan, failed)
		case VerdictUnchanged:
		default:
			if unsure {
				s.b.rec.Unsettled = true
				s.warn(plan.Writes[i].Part, "whether the records were written is not known: the answer was lost, and what was read back does not tell")
			}
			return s.refused(plan, failed)
		}
	}
	for i := range state {
		s.wrote(plan, i, plan.ChangeSet.Writes[i].ID, !unsure)
	}
	if ctx.Err() != nil {
		return failed
	}
	return nil
}

func isClosed(err error) bool {
	remote, ok := errors.AsType[*dataverse.Error](err)
	return ok && remote.Code == dataverse.CodeNotActive
}
