package cli

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/andmoneyaps/engage-playbooks/auth"
	"github.com/andmoneyaps/engage-playbooks/cmd/engage/internal/render"
	"github.com/andmoneyaps/engage-playbooks/dataverse"
	"github.com/andmoneyaps/engage-playbooks/playbook"
)

// explain tells people on stderr why a run failed: where, what, in Dataverse's
// own words too, what has been written, and what to do next. Those words may
// quote values, which is why they stand here and in no record.
func (c *Command) explain(p *playbook.Playbook, r *playbook.Result, err error) {
	w, style := c.Stderr, c.style(c.Stderr)
	what := err.Error()
	if r != nil && r.Error != nil {
		what = r.Error.Message
		if part := r.Error.Part; part != "" { // said before it
			what = strings.TrimPrefix(what, "event: "+part+": ")
		}
	}
	fmt.Fprintf(w, "%s %s%s\n", style.Red("failed:"), where(p, r, err), render.Printable(what))
	var remote *dataverse.Error
	if errors.As(err, &remote) {
		if remote.Message != "" {
			fmt.Fprintf(w, "  Dataverse says: %s\n", render.Printable(remote.Message))
		}
		if remote.RequestID != "" {
			fmt.Fprintf(w, "  request id: %s\n", render.Printable(remote.RequestID))
		}
	}
	explainWrites(w, r)
	if next := nextStep(err, r); next != "" {
		fmt.Fprintf(w, "  next: %s\n", next)
	}
}

// where names the place in the documents and the block, part and field.
func where(p *playbook.Playbook, r *playbook.Result, err error) string {
	var b strings.Builder
	var failure *playbook.BlockError
	if errors.As(err, &failure) && failure.Pos.IsValid() {
		b.WriteString(failure.Pos.String() + ": ")
	}
	if r == nil || r.Error == nil || r.Error.Block == "" {
		return b.String() + "playbook " + p.ID + ": "
	}
	fmt.Fprintf(&b, "block %q: ", render.Printable(r.Error.Block))
	at := r.Error.Part
	if r.Error.Field != "" {
		at = strings.TrimPrefix(at+"."+r.Error.Field, ".")
	}
	if at != "" {
		b.WriteString(render.Printable(at) + ": ")
	}
	return b.String()
}

func explainWrites(w io.Writer, r *playbook.Result) {
	if r == nil || r.DryRun {
		return
	}
	lost := unsettled(r)
	if lost {
		fmt.Fprintln(w, "  whether all was written is not known: the service may have done what it could not confirm")
	}
	if len(r.Writes) == 0 {
		if !lost {
			fmt.Fprintln(w, "  nothing was written")
		}
		return
	}
	fmt.Fprintln(w, "  written before it failed:")
	for _, x := range r.Writes {
		fmt.Fprintf(w, "    %s %s: %s %s %s\n", render.Printable(x.Block), render.Printable(x.Part), x.Operation, x.Table, x.ID)
	}
}

// unsettled reports whether records may have been written that the run does
// not know of.
func unsettled(r *playbook.Result) bool {
	return r != nil && slices.ContainsFunc(r.Blocks, func(b *playbook.BlockRecord) bool { return b.Unsettled })
}

// nextStep says what somebody can do about a failure.
func nextStep(err error, r *playbook.Result) string {
	switch {
	case errors.Is(err, auth.SignInRequired), errors.Is(err, auth.AssertionRefused):
		return "get a fresh token of the employee for this API"
	case errors.Is(err, auth.Unavailable):
		return "see whether the environment's authority and tenantId are right and the network reaches it, then run it again"
	case errors.Is(err, dataverse.ErrForbidden):
		return "give the identity the privilege; engage check shows what each one lacks"
	case errors.Is(err, dataverse.ErrConflict):
		return "somebody changed the record since it was read: plan again, or run it again"
	case unsettled(r):
		return "run the same event again: it finds what is there already and writes the rest"
	case errors.Is(err, dataverse.ErrThrottled):
		return "run it again later: the records that were written keep their ids"
	case errors.Is(err, dataverse.ErrUnavailable):
		return "see whether the environment's url is right and answers, then run it again"
	case errors.Is(err, playbook.ErrTimeLimit):
		return "run it again with a longer --timeout: what was written is not written twice"
	}
	if r != nil && r.Error != nil && r.Error.Code == "canceled" {
		return "run it again: what was written is not written twice"
	}
	return ""
}
