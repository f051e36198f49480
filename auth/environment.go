package auth

import (
	"fmt"
	"net"
	"net/url"
	"regexp"
	"strings"

	"github.com/andmoneyaps/engage-playbooks"
)

// DefaultAuthority is the global cloud's login host.
const DefaultAuthority = "https://login.microsoftonline.com"

// Environment is one Dataverse organisation of one Entra tenant, with the app
// registrations that reach it. Make one by [ReadEnvironment], [Kind] or in Go;
// [NewBroker] checks it either way.
type Environment struct {
	// ID is the semantic id, Name and Description are for people.
	ID, Name, Description string
	// URL is the organisation's origin, such as
	// https://contoso.crm4.dynamics.com: https, or http on loopback.
	URL string
	// TenantID is the GUID of the Entra tenant.
	TenantID string
	// Authority is the origin of the login host: DefaultAuthority if empty,
	// that of a national cloud, or http on loopback for a simulator.
	Authority string
	// Audience lists what an employee's token may be for. The client id of
	// OnBehalfOf, and api:// with it, always are.
	Audience []string
	// OnBehalfOf exchanges employees' tokens, Application gets the application
	// user's. At least one is there.
	OnBehalfOf, Application *Registration
	// Allow is the escalation policy; what is not listed is denied.
	Allow []Rule
	// Pos is where the document stands; the zero Pos for one made in Go.
	Pos engage.Pos
}

// Registration is an app registration with its credential: exactly one of
// Secrets, Certificate and FederatedToken.
type Registration struct {
	// ClientID is the GUID of the application.
	ClientID string
	// Secrets is one client secret, or two while rotating; the first is tried
	// first.
	Secrets []Reference
	// Certificate is PEM with the certificate and its unencrypted RSA key.
	Certificate *Reference
	// FederatedToken is the token of a workload that the registration trusts.
	// It is read anew for each request, because it rotates.
	FederatedToken *Reference
}

// Rule allows one block of one playbook to run as the application. One whose
// Block is empty names none, and allows nothing.
type Rule struct {
	Playbook, Block string
	Pos             engage.Pos
}

// String gives the rule as the document writes it.
func (r Rule) String() string {
	if r.Block == "" {
		return r.Playbook
	}
	return r.Playbook + "/" + r.Block
}

// Allows finds the rule that lets a block run as the application. Names match
// exactly; there are no wildcards.
func (env *Environment) Allows(playbook, block string) (Rule, bool) {
	for _, r := range env.Allow {
		if r.Playbook == playbook && r.Block == block && block != "" {
			return r, true
		}
	}
	return Rule{}, false
}

// ByTenant finds the environment of a tenant. Where a tenant has several, the
// caller must name one: the error says which there are.
func ByTenant(envs []*Environment, tenantID string) (*Environment, error) {
	var found []*Environment
	var ids []string
	for _, env := range envs {
		if strings.EqualFold(env.TenantID, tenantID) {
			found = append(found, env)
			ids = append(ids, env.ID)
		}
	}
	switch len(found) {
	case 0:
		return nil, &Error{Kind: Misconfigured, Op: opConfigure, Detail: fmt.Sprintf("no environment is of tenant %q", tenantID)}
	case 1:
		return found[0], nil
	}
	return nil, &Error{Kind: Misconfigured, Op: opConfigure,
		Detail: fmt.Sprintf("tenant %q has several environments: %s", tenantID, strings.Join(ids, ", ")), Hint: "name one"}
}

// keyed is a registration with the key that it stands under.
type keyed struct {
	key string
	*Registration
}

// registrations are those that the environment has.
func (env *Environment) registrations() []keyed {
	var out []keyed
	for _, r := range []keyed{{"onBehalfOf", env.OnBehalfOf}, {"application", env.Application}} {
		if r.Registration != nil {
			out = append(out, r)
		}
	}
	return out
}

// finding is a fault of an environment, at one of its keys.
type finding struct {
	key, code, message, suggestion string
}

var guidForm = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

// check says what is wrong with the values of an environment. It is the one
// rule book for documents and for environments made in Go.
func (env *Environment) check() []finding {
	var out []finding
	add := func(key, code, suggestion, format string, args ...any) {
		out = append(out, finding{key, code, fmt.Sprintf(format, args...), suggestion})
	}
	if _, why := parseOrigin(env.URL); env.URL != "" && why != "" {
		add("url", "invalid-url", "such as https://contoso.crm4.dynamics.com", "url: %s", why)
	}
	if env.Authority != "" {
		if _, why := parseOrigin(env.Authority); why != "" {
			add("authority", "invalid-url", "such as "+DefaultAuthority, "authority: %s", why)
		}
	}
	if env.TenantID != "" && !guidForm.MatchString(env.TenantID) {
		add("tenantId", "invalid-guid", "the tenant's GUID, such as 6f0a1c1e-0000-4000-8000-000000000001", "tenantId: %q is not a GUID", env.TenantID)
	}
	if strings.EqualFold(env.TenantID, personalTenant) {
		add("tenantId", "invalid-guid", "", "tenantId: this is the tenant of personal Microsoft accounts")
	}
	for _, a := range env.Audience {
		if strings.TrimSpace(a) == "" {
			add("audience", "wrong-type", "", "audience: must not be empty")
		}
	}
	for _, r := range env.registrations() {
		if r.ClientID != "" && !guidForm.MatchString(r.ClientID) {
			add(r.key, "invalid-guid", "the application (client) id of the registration", "%s: clientId %q is not a GUID", r.key, r.ClientID)
		}
	}
	return out
}

// parseOrigin reads an origin: scheme and host alone, https, or http on
// loopback. why says what is wrong with it.
func parseOrigin(s string) (u *url.URL, why string) {
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Host == "" || u.Hostname() == "":
		return nil, fmt.Sprintf("%q is not an absolute URL", s)
	case u.User != nil:
		return nil, "it must not hold a user name"
	case u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "":
		return nil, fmt.Sprintf("%q is more than scheme and host", s)
	case u.Scheme == "https" || u.Scheme == "http" && isLoopback(u.Hostname()):
		return &url.URL{Scheme: u.Scheme, Host: strings.ToLower(u.Host)}, ""
	case u.Scheme == "http":
		return nil, fmt.Sprintf("%q must be https; plain http is for this machine alone", s)
	}
	return nil, fmt.Sprintf("%q must be https", s)
}

// isLoopback accepts localhost and the addresses of this machine.
func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// normal gives a copy with defaults and one spelling of ids and origins.
func (env *Environment) normal() *Environment {
	n := *env
	if n.Authority == "" {
		n.Authority = DefaultAuthority
	}
	if u, why := parseOrigin(n.URL); why == "" {
		n.URL = u.String()
	}
	if u, why := parseOrigin(n.Authority); why == "" {
		n.Authority = u.String()
	}
	n.TenantID = strings.ToLower(n.TenantID)
	return &n
}
