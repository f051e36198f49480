package auth

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/andmoneyaps/engage-playbooks"
	"github.com/andmoneyaps/engage-playbooks/internal/document"
)

const kindName = "Environment"

// Kind decodes documents of kind Environment to *Environment, for
// playbook.Load. Relative files of references stay relative to the process.
var Kind = document.Kind{
	Name: kindName,
	Decode: func(d *document.Document, problems *engage.Problems) any {
		if env := decode(d, problems); env != nil {
			return env
		}
		return nil
	},
}

// ReadEnvironment reads the one Environment document of a file. Relative files
// of references are relative to it. The error is engage.Problems where the
// document is at fault.
func ReadEnvironment(file string) (*Environment, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	env, err := ParseEnvironment(file, data)
	if err != nil {
		return nil, err
	}
	for _, reg := range env.registrations() {
		for i := range reg.Secrets {
			reg.Secrets[i].anchor(filepath.Dir(file))
		}
		reg.Certificate.anchor(filepath.Dir(file))
		reg.FederatedToken.anchor(filepath.Dir(file))
	}
	return env, nil
}

func (r *Reference) anchor(dir string) {
	if r != nil && r.File != "" && !filepath.IsAbs(r.File) {
		r.File = filepath.Join(dir, r.File)
	}
}

// ParseEnvironment reads one Environment document; name stands in the
// positions of problems.
func ParseEnvironment(name string, data []byte) (*Environment, error) {
	var problems engage.Problems
	var env *Environment
	docs := document.Parse(filepath.ToSlash(name), data, &problems)
	for _, d := range docs {
		switch {
		case d.Kind != kindName:
			problems.Errorf(d.Pos, "wrong-kind", "want a document of kind %s, have %s", kindName, d.Kind)
		case env != nil:
			problems.Errorf(d.Pos, "duplicate-id", "this file has more than one %s", kindName)
		default:
			env = decode(d, &problems)
		}
	}
	if len(docs) == 0 && len(problems) == 0 {
		problems.Errorf(engage.Pos{File: filepath.ToSlash(name)}, "missing-key", "the file holds no document of kind %s", kindName)
	}
	if err := problems.Err(); err != nil {
		return nil, err
	}
	return env, nil
}

func decode(d *document.Document, problems *engage.Problems) *Environment {
	m := d.Mapping(problems, "url", "tenantId", "authority", "audience", "onBehalfOf", "application", "escalation")
	if !m.Ok() {
		return nil
	}
	before := len(*problems)
	m.Require("url", "tenantId")
	env := &Environment{
		ID: d.ID, Name: d.Name, Description: d.Description, Pos: d.Pos,
		URL: m.NonEmpty("url").Value, TenantID: m.NonEmpty("tenantId").Value, Authority: m.NonEmpty("authority").Value,
	}
	for _, a := range m.Strings("audience") {
		env.Audience = append(env.Audience, a.Value)
	}
	if m.Has("onBehalfOf") {
		env.OnBehalfOf = decodeRegistration(m.Get("onBehalfOf"), "onBehalfOf", problems)
	}
	if m.Has("application") {
		env.Application = decodeRegistration(m.Get("application"), "application", problems)
	}
	if !m.Has("onBehalfOf") && !m.Has("application") && !m.Misspelt("onBehalfOf", "application") {
		problems.Errorf(m.Pos(), "missing-key", "%s: one of onBehalfOf and application is missing", kindName)
	}
	if m.Has("escalation") {
		env.Allow = decodeRules(m.Get("escalation"), problems)
	}
	for _, f := range env.check() {
		pos := m.Get(f.key).Pos()
		if f.key == "onBehalfOf" || f.key == "application" {
			// Opened before, so that nothing new is reported here.
			var seen engage.Problems
			pos = m.Get(f.key).Mapping(&seen, f.key).Get("clientId").Pos()
		}
		p := problems.Errorf(pos, f.code, "%s", f.message)
		p.Suggestion = f.suggestion
	}
	if (*problems)[before:].HasErrors() {
		return nil
	}
	return env.normal()
}

var credentialKeys = []string{"clientSecret", "certificate", "federatedToken"}

func decodeRegistration(n document.Node, what string, problems *engage.Problems) *Registration {
	m := n.Mapping(problems, what, append([]string{"clientId"}, credentialKeys...)...)
	if !m.Ok() {
		return nil
	}
	m.Require("clientId")
	reg := &Registration{ClientID: m.NonEmpty("clientId").Value}
	var given []string
	for _, k := range m.Keys() {
		if k != "clientId" {
			given = append(given, k)
		}
	}
	switch len(given) {
	case 0:
		problems.Errorf(m.Pos(), "missing-key", "%s: it needs a credential: one of %s", what, strings.Join(credentialKeys, ", "))
	case 1:
	default:
		problems.Errorf(m.KeyPos(given[1]), "duplicate-credential", "%s: exactly one credential, not %s", what, strings.Join(given, " and "))
	}
	if m.Has("clientSecret") {
		secret := m.Get("clientSecret")
		refs := []document.Node{secret}
		if secret.Type() == document.List {
			if refs = secret.Items(); len(refs) < 1 || len(refs) > 2 {
				problems.Errorf(secret.Pos(), "wrong-type", "clientSecret: one reference, or a list of two while rotating, not %d", len(refs))
			}
		}
		for _, r := range refs {
			if ref := decodeReference(r, "clientSecret", problems); ref != nil {
				reg.Secrets = append(reg.Secrets, *ref)
			}
		}
	}
	if m.Has("certificate") {
		reg.Certificate = decodeReference(m.Get("certificate"), "certificate", problems)
	}
	if m.Has("federatedToken") {
		reg.FederatedToken = decodeReference(m.Get("federatedToken"), "federatedToken", problems)
	}
	return reg
}

// decodeReference reads {env: NAME} or {file: PATH}. No message repeats a
// value: it may be the secret, written where its place should stand.
func decodeReference(n document.Node, what string, problems *engage.Problems) *Reference {
	const right = "{env: NAME} or {file: PATH}"
	switch n.Type() {
	case document.Map:
	case document.Null, document.None, document.List:
		problems.Errorf(n.Pos(), "wrong-type", "%s: want a reference", what).Suggestion = right
		return nil
	default:
		problems.Errorf(n.Pos(), "literal-secret", "%s: a secret must not stand in a document, only where it is kept", what).Suggestion = right
		return nil
	}
	before := len(*problems)
	m := n.Mapping(problems, what, "env", "file")
	if len(*problems) > before {
		return nil // a key that is neither
	}
	for _, k := range m.Keys() {
		if t := m.Get(k).Type(); t != document.Text {
			problems.Errorf(m.Get(k).Pos(), "wrong-type", "%s: %s: want text", what, k)
			return nil
		}
	}
	ref := &Reference{Env: m.String("env").Value, File: m.String("file").Value}
	switch {
	case m.Has("env") == m.Has("file"):
		problems.Errorf(m.Pos(), "wrong-type", "%s: exactly one of env and file", what).Suggestion = right
		return nil
	case m.Has("env") && !envName.MatchString(ref.Env):
		problems.Errorf(m.Get("env").Pos(), "wrong-type", "%s: env wants the name of an environment variable, not its value", what)
		return nil
	case m.Has("file") && strings.TrimSpace(ref.File) == "":
		problems.Errorf(m.Get("file").Pos(), "wrong-type", "%s: file must not be empty", what)
		return nil
	}
	return ref
}

// decodeRules takes entries as they are: one that names no block allows
// nothing, and is warned of where the workspace's playbooks are known.
func decodeRules(n document.Node, problems *engage.Problems) []Rule {
	m := n.Mapping(problems, "escalation", "allow")
	if !m.Ok() {
		return nil
	}
	m.Require("allow")
	var rules []Rule
	for _, s := range m.Strings("allow") {
		playbook, block, _ := strings.Cut(s.Value, "/")
		rules = append(rules, Rule{Playbook: playbook, Block: block, Pos: s.Pos})
	}
	return rules
}

// EscalationPolicy gives the rules as they stand in the document: where they
// can be checked against the workspace's playbooks.
func (env *Environment) EscalationPolicy() []document.String {
	out := make([]document.String, len(env.Allow))
	for i, r := range env.Allow {
		out[i] = document.String{Value: r.String(), Pos: r.Pos}
	}
	return out
}
