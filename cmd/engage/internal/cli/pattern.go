package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/andmoneyaps/engage-playbooks/cmd/engage/internal/render"
	"github.com/andmoneyaps/engage-playbooks/pattern"
	"github.com/andmoneyaps/engage-playbooks/playbook"
)

type patternFlags struct {
	targetFlags
	input string
}

var operations = []string{"read", "create", "update", "upsert"}

func (c *Command) pattern() *cobra.Command {
	var f patternFlags
	cmd := &cobra.Command{
		Use:   "pattern DIR ID read|create|update|upsert",
		Short: "Try one pattern alone",
		Long: `pattern reads, creates, updates or upserts with one pattern, as an employee. The
input is one JSON object of destinations and their values; a read also takes
{"part": {filter}}.`,
		Example: `  echo '{"customer.Email": "anna.lindqvist@lindqvist.example"}' |
    engage pattern examples/portal-meeting find-customer read --input -
  engage pattern examples/portal-meeting find-customer read --input filter.json --json`,
		Args: workspaceArgs("ID", "read|create|update|upsert"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.runPattern(cmd.Context(), args[0], args[1], args[2], &f)
		},
		ValidArgsFunction: completeIDs(patternIDs),
	}
	f.add(cmd)
	cmd.Flags().StringVar(&f.input, "input", "", `the JSON file with the input; "-" is standard input`)
	return cmd
}

func (c *Command) runPattern(ctx context.Context, dir, id, operation string, f *patternFlags) error {
	if err := f.check(); err != nil {
		return err
	}
	if !slices.Contains(operations, operation) {
		return usagef("%q is none of read, create, update, upsert", operation)
	}
	w, err := load(dir)
	if err != nil {
		return err
	}
	p, err := findPattern(w, id)
	if err != nil {
		return err
	}
	input, err := c.readPatternInput(f.input)
	if err != nil {
		return err
	}
	t, err := c.open(w, &f.targetFlags, nil)
	if err != nil {
		return err
	}
	defer t.Close()
	ev := &playbook.Event{}
	if err := c.assert(t, &f.targetFlags, ev); err != nil {
		return err
	}
	result, err := t.engine.RunPattern(ctx, p, pattern.Operation(operation), input, ev)
	t.progress.clear()
	if result == nil {
		return usageOr(err)
	}
	failed := err
	if f.json {
		if err := render.JSON(c.out, result); err != nil {
			return err
		}
	} else {
		style := c.style(c.out)
		render.Run(c.out, style, render.Title(p.ID, p.Name), &result.Record, t.link)
		if len(result.Outputs) > 0 {
			render.Output(c.out, style, result.Outputs[0])
		}
	}
	if failed != nil {
		c.explain(&playbook.Playbook{ID: p.ID, Name: p.Name}, result, failed)
	}
	if err := t.dump(f.dump); err != nil {
		return err
	}
	if failed != nil {
		return exitCode(ExitFailed)
	}
	return nil
}

// readPatternInput reads one JSON object; numbers keep their digits.
func (c *Command) readPatternInput(file string) (map[string]any, error) {
	if file == "" {
		return nil, usagef(`--input FILE is missing: an object such as {"customer.Email": "a@b.example"}`)
	}
	data, err := c.readInput("input", file, maxEvent)
	if err != nil {
		return nil, err
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	input := map[string]any{}
	if start, err := dec.Token(); err != nil || start != json.Delim('{') {
		return nil, usagef(`--input: %s is no JSON object of destinations, such as {"customer.Email": "a@b.example"}`, file)
	}
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return nil, usagef("--input: %s is no valid JSON: %v", file, err)
		}
		if _, twice := input[name.(string)]; twice {
			return nil, usagef("--input: %s gives %q twice", file, name)
		}
		var v any
		if err := dec.Decode(&v); err != nil {
			return nil, usagef("--input: %s is no valid JSON: %v", file, err)
		}
		input[name.(string)] = v
	}
	if _, err := dec.Token(); err != nil {
		return nil, usagef("--input: %s is no valid JSON: %v", file, err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, usagef("--input: %s holds more than one JSON object", file)
	}
	return input, nil
}
