package render

import (
	"fmt"
	"io"
	"strings"

	"github.com/andmoneyaps/engage-playbooks/playbook/playbooktest"
)

// Tests writes a line a case, what failed below it, and the coverage of each
// playbook.
func Tests(w io.Writer, style Style, r *playbooktest.Report) {
	for _, c := range r.Cases {
		word := style.Green("ok")
		if len(c.Failures) > 0 {
			word = style.Red("FAILED")
		}
		fmt.Fprintf(w, "%s  %s: %s %s\n", word, Printable(c.Test), Printable(c.Case.Name), style.Dim("("+milliseconds(c.Duration)+")"))
		for _, f := range c.Failures {
			for line := range strings.Lines(f) {
				fmt.Fprintf(w, "    %s\n", Printable(strings.TrimRight(line, "\n")))
			}
		}
		if len(c.Failures) > 0 {
			fmt.Fprintf(w, "    at %s\n", c.Case.Pos)
		}
	}
	if len(r.Coverage) > 0 {
		fmt.Fprintln(w)
		rows := [][]string{{"PLAYBOOK", "BLOCKS", "MAPPINGS", "BRANCHES", "COVERED"}}
		for _, c := range r.Coverage {
			rows = append(rows, []string{c.Playbook, covered(c.Blocks), covered(c.Mappings), covered(c.Branches), itoa(CoveragePercent(c)) + " %"})
		}
		Table(w, style, rows)
	}
	for _, c := range r.Coverage {
		missing(w, style, c)
	}
	passed := len(r.Cases) - r.Failed()
	fmt.Fprintf(w, "\n%s passed, %d failed\n", count(passed, "case"), r.Failed())
}

func covered(c playbooktest.Covered) string { return fmt.Sprintf("%d/%d", c.Seen, c.Of) }

func missing(w io.Writer, style Style, c *playbooktest.Coverage) {
	for _, group := range []struct {
		what string
		of   playbooktest.Covered
	}{{"block", c.Blocks}, {"mapping", c.Mappings}, {"branch", c.Branches}} {
		for _, m := range group.of.Missing {
			fmt.Fprintf(w, "  %s %s: %s: %s\n", style.Yellow("not reached:"), c.Playbook, group.what, Printable(m))
		}
	}
}

// CoveragePercent is the part of blocks, mappings and branches that was
// reached, rounded down.
func CoveragePercent(c *playbooktest.Coverage) int {
	of := c.Blocks.Of + c.Mappings.Of + c.Branches.Of
	if of == 0 {
		return 100
	}
	return 100 * (c.Blocks.Seen + c.Mappings.Seen + c.Branches.Seen) / of
}

// TestsJSON writes {"cases":[…],"coverage":[…]}.
func TestsJSON(w io.Writer, r *playbooktest.Report) error {
	type jsonCase struct {
		Test     string   `json:"test"`
		Name     string   `json:"name"`
		Status   string   `json:"status"`
		Failures []string `json:"failures"`
		Ms       int64    `json:"ms"`
		Result   any      `json:"result"`
	}
	cases := make([]jsonCase, len(r.Cases))
	for i, c := range r.Cases {
		cases[i] = jsonCase{Test: c.Test, Name: c.Case.Name, Status: "succeeded", Failures: append([]string{}, c.Failures...), Ms: c.Duration.Milliseconds()}
		if c.Result != nil {
			cases[i].Result = c.Result
		}
		if len(c.Failures) > 0 {
			cases[i].Status = "failed"
		}
	}
	coverage := append([]*playbooktest.Coverage{}, r.Coverage...)
	return JSON(w, map[string]any{"cases": cases, "coverage": coverage})
}
