package main_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/andmoneyaps/engage-playbooks/cmd/engage/internal/cli"
	"github.com/andmoneyaps/engage-playbooks/dataverse/simulator"
	"github.com/andmoneyaps/engage-playbooks/playbook"
	"github.com/andmoneyaps/engage-playbooks/playbook/playbooktest"
)

const advisor = "mette.holm@bank.example"

// bank is the portal meeting's organisation behind an environment file, as a
// bank's own would be.
type bank struct {
	*playbooktest.World
	dir, environment, assertion string
}

func newBank(t *testing.T) *bank {
	t.Helper()
	b := &bank{dir: filepath.Join("..", "..", "examples", "portal-meeting")}
	w, err := playbook.Load(os.DirFS(b.dir))
	if err != nil {
		t.Fatal(err)
	}
	if b.World, err = playbooktest.NewWorld(w, nil); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	b.connect(t, b.Server.URL)
	b.assertion = b.Server.Entra.Assertion(advisor, simulator.AssertionOptions{})
	return b
}

// connect writes the environment file; Dataverse is at url, Entra is the
// world's.
func (b *bank) connect(t *testing.T, url string) {
	t.Helper()
	registration, _ := b.Server.Entra.Registration(simulator.DefaultClientID)
	b.environment = filepath.Join(t.TempDir(), "environment.yaml")
	secret := b.environment + ".secret"
	if err := os.WriteFile(secret, []byte(registration.Secrets[0]), 0o600); err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf(`kind: Environment
id: test
url: %s
tenantId: %s
authority: %s
onBehalfOf: {clientId: %s, clientSecret: {file: %s}}
`, url, b.Server.TenantID, b.Server.Authority, simulator.DefaultClientID, secret)
	if err := os.WriteFile(b.environment, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// book runs the main job in the bank's environment.
func (b *bank) book() (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	c := cli.Command{
		Args:  []string{"run", b.dir, "--event", filepath.Join(b.dir, "events", "booked.json"), "--environment", b.environment},
		Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs,
		Getenv: func(name string) string {
			if name == "ENGAGE_ASSERTION" {
				return b.assertion
			}
			return ""
		},
	}
	code = c.Main(context.Background())
	return code, out.String(), errs.String()
}

// writes counts the requests that could have changed a record.
func (b *bank) writes() (n int) {
	for _, r := range b.Server.Requests() {
		if r.Method != "GET" && !strings.HasSuffix(r.Path, "/$batch") {
			n++
		}
		for _, p := range r.Parts {
			if p.Method != "GET" {
				n++
			}
		}
	}
	return n
}

func TestTheMainJobIsDoneByTheEmployeeInOneChangeSet(t *testing.T) {
	b := newBank(t)
	if code, out, errs := b.book(); code != 0 {
		t.Fatalf("exit %d\n%s%s", code, out, errs)
	}
	if n := b.Server.Entra.TokenCount(simulator.GrantOnBehalfOf); n != 1 {
		t.Errorf("%d On-Behalf-Of exchanges, want 1", n)
	}
	if n := b.Server.Entra.TokenCount(simulator.GrantClientCredentials); n != 0 {
		t.Errorf("%d tokens for the application, want none", n)
	}
	me := b.Server.Entra.ObjectID(advisor)
	for _, r := range b.Server.Entra.TokenRequests() {
		if r.User != me || r.Status != 200 {
			t.Errorf("a token request for somebody else, or refused: %+v", r)
		}
	}
	var batches, parts int
	for _, r := range b.Server.Requests() {
		if strings.HasSuffix(r.Path, "/$batch") && len(r.Parts) > 0 && r.Parts[0].Method == "POST" {
			batches, parts = batches+1, len(r.Parts)
		}
	}
	if batches != 1 || parts != 2 {
		t.Errorf("%d batches that write, the last of %d parts; want one of 2", batches, parts)
	}
	employee := ""
	for _, u := range b.Server.Records("systemusers") {
		if u["internalemailaddress"] == advisor {
			employee, _ = u["systemuserid"].(string)
		}
	}
	meeting := b.Server.Records("appointments")
	note := b.Server.Records("annotations")
	if len(meeting) != 1 || len(note) != 1 {
		t.Fatalf("%d appointments and %d notes, want one of each", len(meeting), len(note))
	}
	if meeting[0]["_createdby_value"] != employee || meeting[0]["_createdonbehalfby_value"] != nil {
		t.Errorf("createdby is %v, want the employee %s", meeting[0]["_createdby_value"], employee)
	}
	if note[0]["_objectid_value"] != meeting[0]["activityid"] {
		t.Errorf("the note is about %v, want the appointment", note[0]["_objectid_value"])
	}
	roles := map[string]int{}
	for _, p := range b.Server.Records("activityparties") {
		roles[fmt.Sprint(p["participationtypemask"])]++
	}
	if roles["7"] != 1 || roles["5"] != 4 {
		t.Errorf("parties by role: %v, want one organiser (7) and four required attendees (5)", roles)
	}
}

func TestTheSameEventTwiceWritesOnce(t *testing.T) {
	b := newBank(t)
	for range 2 {
		if code, out, errs := b.book(); code != 0 {
			t.Fatalf("exit %d\n%s%s", code, out, errs)
		}
	}
	if n := len(b.Server.Records("appointments")); n != 1 {
		t.Errorf("%d appointments, want 1", n)
	}
}

// What goes wrong in the world is said with block and next step, ends with
// exit code 1, and leaves no record behind.
func TestTheWorldBreaks(t *testing.T) {
	for name, c := range map[string]struct {
		fault simulator.Fault
		world func(t *testing.T, b *bank)
		want  []string
		code  int
	}{
		"expired assertion": {
			world: func(_ *testing.T, b *bank) {
				b.assertion = b.Server.Entra.Assertion(advisor, simulator.AssertionOptions{Lifetime: -time.Minute})
			},
			want: []string{`block "Read `, "expired", "nothing was written"}, code: 1,
		},
		"another tenant's employee": {
			world: func(_ *testing.T, b *bank) {
				other := "6f0a1c1e-0000-4000-8000-0000000000ff"
				b.Server.Entra.AddTenant(other)
				b.assertion = b.Server.Entra.Assertion(advisor, simulator.AssertionOptions{Tenant: other})
			},
			want: []string{`block "Read `, "tenant", "nothing was written"}, code: 1,
		},
		"forbidden": {
			fault: simulator.Fault{Kind: simulator.FaultError, Status: 403, Code: "0x80040220", Message: "missing prvReadUser", Count: -1},
			want:  []string{`block "Read `, "403", "0x80040220", "nothing was written"}, code: 1,
		},
		"throttled once": {
			fault: simulator.Fault{Kind: simulator.FaultRequests, RetryAfter: "1", Count: 1},
			code:  0,
		},
		"connection refused": {
			world: func(t *testing.T, b *bank) {
				l, err := net.Listen("tcp", "127.0.0.1:0")
				if err != nil {
					t.Fatal(err)
				}
				nobody := "http://" + l.Addr().String()
				l.Close()
				b.connect(t, nobody)
			},
			want: []string{`block "Read `, "nothing was written"}, code: 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBank(t)
			if c.fault.Kind != "" {
				b.Server.Fail(c.fault)
			}
			if c.world != nil {
				c.world(t, b)
			}
			code, out, errs := b.book()
			if code != c.code {
				t.Fatalf("exit %d, want %d\n%s%s", code, c.code, out, errs)
			}
			for _, w := range c.want {
				if !strings.Contains(errs, w) {
					t.Errorf("stderr has no %q:\n%s", w, errs)
				}
			}
			if strings.Contains(out+errs, b.assertion) {
				t.Error("the assertion was printed")
			}
			if code != 0 && b.writes() != 0 {
				t.Errorf("%d writes were sent", b.writes())
			}
		})
	}
}
