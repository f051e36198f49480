package twobanks_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/andmoneyaps/engage-playbooks/auth"
	"github.com/andmoneyaps/engage-playbooks/dataverse"
	"github.com/andmoneyaps/engage-playbooks/dataverse/simulator"
	"github.com/andmoneyaps/engage-playbooks/playbook"
	"github.com/andmoneyaps/engage-playbooks/playbook/playbooktest"
)

var update = flag.Bool("update", false, "write the matrix in README.md anew")

const (
	mette   = "mette.holm@bank.example"
	trainee = "trainee@bank.example"
)

// place is one of the environments of environments/, on a simulated
// organisation: tenant, policy and id are the document's.
type place struct {
	env    *auth.Environment
	world  *playbooktest.World
	engine *playbook.Engine
	sent   *recorder
}

// recorder notes where each token went.
type recorder struct {
	base http.RoundTripper
	mu   sync.Mutex
	// audiences and tenants of the tokens that were sent here.
	audiences, tenants map[string]int
}

func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	var claims struct{ Aud, Tid string }
	parts := strings.Split(req.Header.Get("Authorization"), ".")
	if len(parts) == 3 {
		payload, _ := base64.RawURLEncoding.DecodeString(parts[1])
		_ = json.Unmarshal(payload, &claims)
	}
	r.mu.Lock()
	r.audiences[claims.Aud]++
	r.tenants[claims.Tid]++
	r.mu.Unlock()
	return r.base.RoundTrip(req)
}

// places starts all environments of the example in this process. A tenant has
// one Entra: its second environment is reached through that of its first.
func places(t *testing.T) (*playbook.Workspace, []*place) {
	t.Helper()
	w, err := playbook.Load(os.DirFS("."), auth.Kind)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("TWO_BANKS_SECRET", simulator.DefaultClientSecret)
	authority := map[string]string{}
	var all []*place
	for _, extra := range w.Extra(auth.Kind.Name) {
		doc := *extra.(*auth.Environment)
		world, err := playbooktest.NewWorld(w, &playbooktest.Options{TenantID: doc.TenantID})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(world.Close)
		if authority[doc.TenantID] == "" {
			authority[doc.TenantID] = world.Server.Authority
		}
		registration := &auth.Registration{ClientID: simulator.DefaultClientID, Secrets: []auth.Reference{{Env: "TWO_BANKS_SECRET"}}}
		doc.URL, doc.Authority, doc.OnBehalfOf, doc.Application = world.Server.URL, authority[doc.TenantID], registration, registration
		p := &place{env: &doc, world: world, sent: &recorder{base: http.DefaultTransport, audiences: map[string]int{}, tenants: map[string]int{}}}
		broker, err := auth.NewBroker(p.env, nil)
		if err != nil {
			t.Fatal(err)
		}
		client, err := dataverse.New(doc.URL, broker.Application(), &dataverse.Options{HTTP: p.sent})
		if err != nil {
			t.Fatal(err)
		}
		p.engine = &playbook.Engine{
			Client: client,
			Employee: func(ctx context.Context, ev *playbook.Event) (dataverse.TokenSource, error) {
				return broker.Employee(ctx, ev.Assertion)
			},
			Application: func(context.Context, *playbook.Event) (dataverse.TokenSource, error) {
				return broker.Application(), nil
			},
			Allow: func(esc playbook.Escalation) error {
				if _, ok := p.env.Allows(esc.Playbook, esc.Block); !ok {
					return playbook.ErrEscalationDenied
				}
				return nil
			},
		}
		all = append(all, p)
	}
	return w, all
}

// actors are who may come along. Of an employee, the bank whose token they
// have counts, whatever environment they are sent to.
var actors = []struct {
	name, email string
	kind        playbook.ActorKind
	elsewhere   bool
}{
	{name: "employee", kind: playbook.ActorEmployee, email: mette},
	{name: "trainee", kind: playbook.ActorEmployee, email: trainee},
	{name: "the other bank's employee", kind: playbook.ActorEmployee, email: mette, elsewhere: true},
	{name: "customer", kind: playbook.ActorCustomer},
	{name: "citizen", kind: playbook.ActorCitizen},
	{name: "system", kind: playbook.ActorSystem},
	{name: "platform", kind: playbook.ActorPlatform},
}

// event is the call that actor i wants at a place; employees bring their token.
func event(book string, i int, at *place, all []*place, id string) *playbook.Event {
	a := actors[i]
	ev := &playbook.Event{
		Type: "CallWanted", ID: id, Portal: book,
		Actor: &playbook.Actor{Kind: a.kind, Email: a.email},
		Data:  map[string]any{"accountId": "0f2c1b8a-7d44-4c1e-9c52-3a0000000021", "about": "Please call"},
	}
	if a.kind == playbook.ActorEmployee {
		home := slices.IndexFunc(all, func(p *place) bool { return (p.env.TenantID == at.env.TenantID) != a.elsewhere })
		ev.Assertion = all[home].world.Server.Entra.Assertion(a.email, simulator.AssertionOptions{Tenant: all[home].env.TenantID})
	}
	return ev
}

// The matrix of the README is what the engine does with each actor, in each
// environment, for each playbook.
func TestMatrix(t *testing.T) {
	w, all := places(t)
	var table strings.Builder
	table.WriteString("| playbook | environment |")
	for _, a := range actors {
		table.WriteString(" " + a.name + " |")
	}
	table.WriteString("\n|---|---|" + strings.Repeat("---|", len(actors)) + "\n")
	for _, book := range w.Playbooks() {
		for _, p := range all {
			fmt.Fprintf(&table, "| `%s` | %s |", book.ID, p.env.ID)
			for i, a := range actors {
				id := strings.Join([]string{book.ID, p.env.ID, a.name}, "/")
				before := len(p.world.Server.Records("tasks"))
				r, _ := p.engine.Run(t.Context(), book, event(book.ID, i, p, all, id))
				if got := len(p.world.Server.Records("tasks")) - before; got != len(r.Writes) {
					t.Errorf("%s: %d tasks more, the record says %d", id, got, len(r.Writes))
				}
				fmt.Fprintf(&table, " %s |", outcome(r))
			}
			table.WriteString("\n")
		}
	}
	keep(t, "README.md", table.String())
}

// outcome says in a word or two what came of a run.
func outcome(r *playbook.Result) string {
	if r.Error != nil {
		if r.Error.Status != 0 {
			return fmt.Sprintf("refused by Dataverse (%d)", r.Error.Status)
		}
		return "`" + r.Error.Code + "`"
	}
	return "as the " + string(r.Blocks[len(r.Blocks)-1].Identity)
}

// keep holds the table in a page to what it is now.
func keep(t *testing.T, file, table string) {
	t.Helper()
	const begin, end = "<!-- matrix -->\n", "<!-- /matrix -->"
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(data), begin)
	_, tail, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no place for the matrix", file)
	}
	want := head + begin + table + end + tail
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if string(data) != want {
		t.Errorf("%s is not what happens now; go test ./%s -run TestMatrix -update rewrites it:\n%s", file, filepath.ToSlash("examples/two-banks"), table)
	}
}

// Three environments of two tenants in one process, all at once: each record is
// where its event was sent, each token went where it is for, and no tenant was
// asked for another's.
func TestNothingCrosses(t *testing.T) {
	w, all := places(t)
	const each = 20
	book := func(id string) *playbook.Playbook { p, _ := w.Playbook(id); return p }
	var runs sync.WaitGroup
	for _, p := range all {
		for i := range each {
			for _, id := range []string{"by-employees", "by-employees-verified"} {
				runs.Go(func() {
					// The same event ids everywhere: what one place has written must
					// not count as written in another.
					ev := event(id, 0, p, all, fmt.Sprintf("%s-%d", id, i))
					r, err := p.engine.Run(t.Context(), book(id), ev)
					denied := id == "by-employees-verified" && !allowed(p, id)
					if denied != (err != nil) || !denied && r.Writes[0].Operation != "create" {
						t.Errorf("%s, %s: %v", p.env.ID, ev.ID, err)
					}
				})
			}
		}
	}
	runs.Wait()
	for _, p := range all {
		want := each
		if allowed(p, "by-employees-verified") {
			want += each
		}
		if n := len(p.world.Server.Records("tasks")); n != want {
			t.Errorf("%s: %d tasks, want %d", p.env.ID, n, want)
		}
		if len(p.sent.audiences) != 1 || p.sent.audiences[p.env.URL] == 0 {
			t.Errorf("%s at %s got tokens for %v", p.env.ID, p.env.URL, p.sent.audiences)
		}
		if len(p.sent.tenants) != 1 || p.sent.tenants[p.env.TenantID] == 0 {
			t.Errorf("%s of tenant %s got tokens of %v", p.env.ID, p.env.TenantID, p.sent.tenants)
		}
		for _, r := range p.world.Server.Entra.TokenRequests() {
			if r.Tenant != p.env.TenantID {
				t.Errorf("the Entra of %s was asked for tenant %s", p.env.TenantID, r.Tenant)
			}
		}
	}
}

func allowed(p *place, book string) bool {
	_, ok := p.env.Allows(book, "Write task")
	return ok
}

// The caller names the environment of a tenant that has several.
func TestByTenant(t *testing.T) {
	_, all := places(t)
	var envs []*auth.Environment
	for _, p := range all {
		envs = append(envs, p.env)
	}
	if env, err := auth.ByTenant(envs, "6f0a1c1e-0000-4000-8000-000000000002"); err != nil || env.ID != "sydbank-production" {
		t.Errorf("%v, %v", env, err)
	}
	if _, err := auth.ByTenant(envs, "6f0a1c1e-0000-4000-8000-000000000001"); err == nil || !strings.Contains(err.Error(), "nordbank-production") || !strings.Contains(err.Error(), "nordbank-sandbox") {
		t.Errorf("the error does not name both: %v", err)
	}
}
