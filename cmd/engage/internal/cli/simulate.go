package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/andmoneyaps/engage-playbooks/dataverse/simulator"
	"github.com/andmoneyaps/engage-playbooks/playbook"
	"github.com/andmoneyaps/engage-playbooks/playbook/playbooktest"
)

type simulateFlags struct {
	addr, environment, faults, record string
}

func (c *Command) simulate() *cobra.Command {
	var f simulateFlags
	cmd := &cobra.Command{
		Use:   "simulate [DIR]",
		Short: "Serve the simulator: a Dataverse and an Entra on this machine",
		Long: `simulate serves a Dataverse organisation and its Entra tenant until it is
interrupted. With DIR it has that workspace's tables, roles, users and seed
data. The first line on stdout is JSON: where it listens, and with what to
reach it. Everything in it is public: it must not be reachable by others.`,
		Example: `  engage simulate examples/portal-meeting --write-environment sim.yaml
  engage run examples/portal-meeting --event examples/portal-meeting/events/booked.json --environment sim.yaml --assertion-file token.txt
  engage simulate --addr 127.0.0.1:8080 --faults faults.json`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usagef("%q is one argument too many; see %s --help", args[1], cmd.CommandPath())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			var w *playbook.Workspace
			if len(args) == 1 {
				var err error
				if w, err = load(args[0]); err != nil {
					return err
				}
			}
			return c.runSimulate(cmd.Context(), w, &f)
		},
	}
	cmd.Flags().StringVar(&f.addr, "addr", "127.0.0.1:0", "the address to listen on; port 0 takes a free one")
	cmd.Flags().StringVar(&f.environment, "write-environment", "", "write a matching Environment document, and its secret beside it in FILE.secret")
	cmd.Flags().StringVar(&f.faults, "faults", "", "a JSON file with the faults to make")
	cmd.Flags().StringVar(&f.record, "record", "", "write the requests that came into this file at the end, a JSON line each: those for tokens, then those for data, without secrets and bodies")
	return cmd
}

func (c *Command) runSimulate(ctx context.Context, w *playbook.Workspace, f *simulateFlags) error {
	if _, _, err := net.SplitHostPort(f.addr); err != nil {
		return usagef("--addr %s is no address such as 127.0.0.1:0", f.addr)
	}
	if err := free(f.addr); err != nil {
		return err
	}
	faults, err := c.readFaults(f.faults)
	if err != nil {
		return err
	}
	world, err := playbooktest.NewWorld(w, &playbooktest.Options{Addr: f.addr})
	if err != nil {
		return err
	}
	defer world.Close()
	for _, fault := range faults {
		world.Server.Fail(fault)
	}
	if err := c.announce(world, f); err != nil {
		return err
	}
	<-ctx.Done()
	if f.record == "" {
		return nil
	}
	return writeFile(f.record, 0o644, func(o *output) error {
		enc := json.NewEncoder(o)
		for _, r := range world.Server.Entra.TokenRequests() {
			if err := enc.Encode(r); err != nil {
				return err
			}
		}
		for _, r := range world.Server.Requests() {
			if err := enc.Encode(withoutValues(r)); err != nil {
				return err
			}
		}
		return nil
	})
}

// free reports whether the address can be listened on: the simulator panics if
// it cannot, as httptest does.
func free(addr string) error {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("cannot listen on %s: %w", addr, err)
	}
	return l.Close()
}

// withoutValues takes the values out of a line of the simulator's log: of
// filters and alternate keys, which may stand in a query and in a path.
func withoutValues(r simulator.Request) simulator.Request {
	r.Path = keyValue.ReplaceAllString(r.Path, "=…$1")
	var options []string
	for option := range strings.SplitSeq(r.Query, "&") {
		name, _, _ := strings.Cut(option, "=")
		if name != "" && !slices.Contains(plainOptions, name) {
			option = name + "=…"
		}
		options = append(options, option)
	}
	r.Query = strings.Join(options, "&")
	parts := make([]simulator.Request, len(r.Parts))
	for i := range r.Parts {
		parts[i] = withoutValues(r.Parts[i])
	}
	r.Parts = parts
	return r
}

// keyValue is the value of one column of an alternate key in a path.
var keyValue = regexp.MustCompile(`=(?:'(?:[^']|'')*'|%27.*?%27|[^,()'%]*)([,)])`)

// plainOptions hold names alone.
var plainOptions = []string{"$select", "$orderby", "$top", "$count"}

// announce writes the environment and then the line that others wait for.
func (c *Command) announce(world *playbooktest.World, f *simulateFlags) error {
	server := world.Server
	if f.environment != "" {
		if err := writeEnvironment(f.environment, world); err != nil {
			return err
		}
	}
	assertion, err := world.Assertion(nil)
	if err != nil {
		return err
	}
	enc := json.NewEncoder(c.out)
	enc.SetEscapeHTML(false)
	return enc.Encode(struct {
		Dataverse    string `json:"dataverse"`
		API          string `json:"api"`
		Authority    string `json:"authority"`
		TenantID     string `json:"tenantId"`
		Token        string `json:"token"`
		ClientID     string `json:"clientId"`
		ClientSecret string `json:"clientSecret"`
		Assertion    string `json:"assertion"`
	}{
		Dataverse: server.URL, API: server.URL + "/api/data/v9.2/", Authority: server.Authority, TenantID: server.TenantID,
		Token: world.AdminToken(), ClientID: simulator.DefaultClientID, ClientSecret: simulator.DefaultClientSecret, Assertion: assertion,
	})
}

// writeEnvironment writes an Environment document of the simulator. The secret
// stands beside it: a document never holds one.
func writeEnvironment(file string, world *playbooktest.World) error {
	secret, err := filepath.Abs(file + ".secret")
	if err != nil {
		return err
	}
	err = writeFile(secret, 0o600, func(o *output) error {
		_, err := fmt.Fprintln(o, simulator.DefaultClientSecret)
		return err
	})
	if err != nil {
		return err
	}
	env := world.Environment()
	registration := map[string]any{"clientId": simulator.DefaultClientID, "clientSecret": map[string]any{"file": secret}}
	allow := []string{}
	for _, r := range env.Allow {
		allow = append(allow, r.String())
	}
	// JSON is YAML, and quotes every name and path as needed.
	members := []struct {
		key   string
		value any
	}{
		{"kind", "Environment"}, {"id", "simulator"},
		{"url", world.Server.URL}, {"tenantId", world.Server.TenantID}, {"authority", world.Server.Authority},
		{"audience", []string{simulator.DefaultAudience}},
		{"onBehalfOf", registration}, {"application", registration},
		{"escalation", map[string]any{"allow": allow}},
	}
	return writeFile(file, 0o644, func(o *output) error {
		for _, m := range members {
			value, err := json.Marshal(m.value)
			if err != nil {
				return err
			}
			fmt.Fprintf(o, "%s: %s\n", m.key, value)
		}
		return nil
	})
}

// readFaults reads a list of faults, or {"faults": […]}.
func (c *Command) readFaults(file string) ([]simulator.Fault, error) {
	if file == "" {
		return nil, nil
	}
	data, err := c.readInput("faults", file, 1<<20)
	if err != nil {
		return nil, err
	}
	var doc struct{ Faults []simulator.Fault }
	into := any(&doc)
	if bytes.HasPrefix(bytes.TrimSpace(data), []byte("[")) {
		into = &doc.Faults
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return nil, usagef("--faults: %s is no list of faults: %v", file, err)
	}
	for i, f := range doc.Faults {
		if err := f.Check(); err != nil {
			return nil, usagef("--faults: %s: fault %d: %v", file, i+1, err)
		}
	}
	return doc.Faults, nil
}
