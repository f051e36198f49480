package auth_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/andmoneyaps/engage-playbooks"
	"github.com/andmoneyaps/engage-playbooks/auth"
)

const goodEnvironment = `kind: Environment
id: sandbox
name: Sandbox
url: https://Contoso-Sandbox.crm4.dynamics.com/
tenantId: 6F0A1C1E-0000-4000-8000-000000000001
audience: [api://engage]
onBehalfOf:
  clientId: 6f0a1c1e-0000-4000-8000-00000000000a
  clientSecret: [{env: ENGAGE_OBO_SECRET}, {file: old.secret}]
application:
  clientId: 6f0a1c1e-0000-4000-8000-00000000000b
  certificate: {file: /run/secrets/engage.pem}
escalation:
  allow: ["portal-meeting-booked/Create meeting"]
`

func TestEnvironmentIsRead(t *testing.T) {
	file := filepath.Join(t.TempDir(), "sandbox.yaml")
	if err := os.WriteFile(file, []byte(goodEnvironment), 0o600); err != nil {
		t.Fatal(err)
	}
	env, err := auth.ReadEnvironment(file)
	if err != nil {
		t.Fatal(err)
	}
	want := &auth.Environment{
		ID: "sandbox", Name: "Sandbox", URL: orgURL, TenantID: "6f0a1c1e-0000-4000-8000-000000000001",
		Authority: auth.DefaultAuthority, Audience: []string{"api://engage"},
		OnBehalfOf: &auth.Registration{ClientID: "6f0a1c1e-0000-4000-8000-00000000000a",
			Secrets: []auth.Reference{{Env: "ENGAGE_OBO_SECRET"}, {File: filepath.Join(filepath.Dir(file), "old.secret")}}},
		Application: &auth.Registration{ClientID: "6f0a1c1e-0000-4000-8000-00000000000b",
			Certificate: &auth.Reference{File: "/run/secrets/engage.pem"}},
		Allow: []auth.Rule{{Playbook: "portal-meeting-booked", Block: "Create meeting", Pos: engage.Pos{File: filepath.ToSlash(file), Line: 14, Col: 11}}},
		Pos:   engage.Pos{File: filepath.ToSlash(file), Line: 1, Col: 1},
	}
	if d := cmp.Diff(want, env); d != "" {
		t.Error(d)
	}
	if _, ok := env.Allows("portal-meeting-booked", "Create meeting"); !ok {
		t.Error("the listed block is denied")
	}
	for _, other := range [][2]string{{"portal-meeting-booked", "Create"}, {"portal-meeting-booked", "create meeting"}, {"*", "*"}, {"", ""}} {
		if _, ok := env.Allows(other[0], other[1]); ok {
			t.Errorf("%q is allowed", other)
		}
	}
	if _, err := auth.NewBroker(env, nil); err != nil {
		t.Error(err)
	}
	if p := env.EscalationPolicy(); len(p) != 1 || p[0].Value != "portal-meeting-booked/Create meeting" || p[0].Pos.Line != 14 {
		t.Errorf("policy %+v", p)
	}
}

func TestFaultsOfAnEnvironmentAreReportedWhereTheyStand(t *testing.T) {
	for name, tc := range map[string]struct {
		old, new string
		want     []string // "line:col code"
	}{
		"literal secret":         {"[{env: ENGAGE_OBO_SECRET}, {file: old.secret}]", "canary-secret", []string{"9:17 literal-secret"}},
		"literal secret, quoted": {"[{env: ENGAGE_OBO_SECRET}, {file: old.secret}]", `"canary-secret"`, []string{"9:17 literal-secret"}},
		"literal in a list":      {"{env: ENGAGE_OBO_SECRET}", "canary-secret", []string{"9:18 literal-secret"}},
		"literal number":         {"[{env: ENGAGE_OBO_SECRET}, {file: old.secret}]", "4711", []string{"9:17 literal-secret"}},
		"value in env":           {"{env: ENGAGE_OBO_SECRET}", "{env: canary~secret}", []string{"9:24 wrong-type"}},
		"value key":              {"{env: ENGAGE_OBO_SECRET}", "{value: canary-secret}", []string{"9:19 unknown-key"}},
		"env and file":           {"{env: ENGAGE_OBO_SECRET}", "{env: A, file: b}", []string{"9:18 wrong-type"}},
		"three secrets":          {"{env: ENGAGE_OBO_SECRET}", "{env: A}, {env: B}", []string{"9:17 wrong-type"}},
		"two credentials":        {"  certificate:", "  federatedToken: {env: T}\n  certificate:", []string{"13:3 duplicate-credential"}},
		"no credential":          {"  certificate: {file: /run/secrets/engage.pem}\n", "", []string{"11:3 missing-key"}},
		"client id no GUID":      {"6f0a1c1e-0000-4000-8000-00000000000b", "engage", []string{"11:13 invalid-guid"}},
		"tenant no GUID":         {"6F0A1C1E-0000-4000-8000-000000000001", "../evil", []string{"5:11 invalid-guid"}},
		"plain http":             {"https://Contoso-Sandbox.crm4.dynamics.com/", "http://contoso.crm4.dynamics.com", []string{"4:6 invalid-url"}},
		"url with a path":        {"dynamics.com/", "dynamics.com/api/data/v9.2", []string{"4:6 invalid-url"}},
		"url with a user":        {"https://Contoso", "https://a:b@Contoso", []string{"4:6 invalid-url"}},
		"no url":                 {"https://Contoso-Sandbox.crm4.dynamics.com/", "contoso", []string{"4:6 invalid-url"}},
		"authority plain http":   {"audience:", "authority: http://login.example\naudience:", []string{"6:12 invalid-url"}},
		"authority with tenant":  {"audience:", "authority: https://login.microsoftonline.com/common\naudience:", []string{"6:12 invalid-url"}},
		"unknown key":            {"audience:", "audiences:", []string{"6:1 unknown-key"}},
		"neither identity": {goodEnvironment[strings.Index(goodEnvironment, "onBehalfOf:"):strings.Index(goodEnvironment, "escalation:")], "",
			[]string{"1:1 missing-key"}},
	} {
		t.Run(name, func(t *testing.T) {
			text := strings.Replace(goodEnvironment, tc.old, tc.new, 1)
			_, err := auth.ParseEnvironment("e.yaml", []byte(text))
			var problems engage.Problems
			if !errors.As(err, &problems) {
				t.Fatalf("no problems: %v", err)
			}
			var have []string
			for _, p := range problems {
				have = append(have, strings.TrimPrefix(p.Pos.String(), "e.yaml:")+" "+p.Code)
			}
			want := append([]string(nil), tc.want...)
			if d := cmp.Diff(want, have, cmp.Transformer("set", func(s []string) map[string]bool {
				m := map[string]bool{}
				for _, x := range s {
					m[x] = true
				}
				return m
			})); d != "" {
				t.Errorf("%s\n%v", d, err)
			}
			if strings.Contains(err.Error(), "canary") || strings.Contains(err.Error(), "4711") {
				t.Errorf("a problem quotes the secret: %v", err)
			}
		})
	}
}

func TestEnvironmentMadeInGoIsCheckedToo(t *testing.T) {
	reg := &auth.Registration{ClientID: "6f0a1c1e-0000-4000-8000-00000000000a", Secrets: []auth.Reference{{Env: "A"}}}
	good := auth.Environment{ID: "x", URL: orgURL, TenantID: "6f0a1c1e-0000-4000-8000-000000000001", Application: reg}
	if _, err := auth.NewBroker(&good, nil); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*auth.Environment){
		"no url":              func(e *auth.Environment) { e.URL = "" },
		"plain http":          func(e *auth.Environment) { e.URL = "http://contoso.crm4.dynamics.com" },
		"no tenant":           func(e *auth.Environment) { e.TenantID = "" },
		"tenant of trickster": func(e *auth.Environment) { e.TenantID = "evil.com/x" },
		"personal accounts":   func(e *auth.Environment) { e.TenantID = "9188040d-6c67-4c5b-b112-36a304b66dad" },
		"no identity":         func(e *auth.Environment) { e.Application = nil },
		"no credential":       func(e *auth.Environment) { e.Application = &auth.Registration{ClientID: reg.ClientID} },
		"authority":           func(e *auth.Environment) { e.Authority = "http://login.example" },
	} {
		env := good
		change(&env)
		if _, err := auth.NewBroker(&env, nil); !errors.Is(err, auth.Misconfigured) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := auth.NewBroker(nil, nil); !errors.Is(err, auth.Misconfigured) {
		t.Error(err)
	}
}

func TestByTenant(t *testing.T) {
	a := &auth.Environment{ID: "a", TenantID: "6f0a1c1e-0000-4000-8000-000000000001"}
	b := &auth.Environment{ID: "b", TenantID: "6f0a1c1e-0000-4000-8000-000000000002"}
	c := &auth.Environment{ID: "c", TenantID: "6F0A1C1E-0000-4000-8000-000000000002"}
	if env, err := auth.ByTenant([]*auth.Environment{a, b}, b.TenantID); err != nil || env != b {
		t.Error(env, err)
	}
	if _, err := auth.ByTenant([]*auth.Environment{a, b, c}, b.TenantID); err == nil || !strings.Contains(err.Error(), "b, c") {
		t.Error(err)
	}
	if _, err := auth.ByTenant([]*auth.Environment{a}, b.TenantID); err == nil {
		t.Error("found one")
	}
}

// An entry of the policy that names no block is no mistake of the document: it
// allows nothing, and the workspace warns of it.
func TestPolicyEntryThatNamesNoBlock(t *testing.T) {
	env, err := auth.ParseEnvironment("e.yaml", []byte(strings.Replace(goodEnvironment, "portal-meeting-booked/Create meeting", "portal-meeting-booked", 1)))
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := env.Allows("portal-meeting-booked", "Create meeting"); ok {
		t.Error("it allows a block")
	}
	if _, ok := env.Allows("portal-meeting-booked", ""); ok {
		t.Error("it allows a block without name")
	}
	if p := env.EscalationPolicy(); len(p) != 1 || p[0].Value != "portal-meeting-booked" {
		t.Errorf("%v", p)
	}
}
