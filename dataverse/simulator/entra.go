package simulator

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// What the simulated Entra knows when nothing else was asked for.
const (
	// DefaultTenantID is the tenant of a simulator.
	DefaultTenantID = "6f0a1c1e-0000-4000-8000-000000000001"
	// DefaultClientID is the registration of a simulator. It serves as the
	// On-Behalf-Of client, as the application user's, and as the public client
	// of device code sign-ins.
	DefaultClientID = "6f0a1c1e-0000-4000-8000-00000000000a"
	// DefaultClientSecret is its secret; like the signing key it is public.
	DefaultClientSecret = "simulator-secret-not-a-secret"
	// DefaultAudience is its Application ID URI, the audience of an
	// employee's token of version 1.0.
	DefaultAudience = "api://engage"
	// FederatedIssuer and FederatedSubject name the workload that the
	// registration trusts instead of a secret.
	FederatedIssuer  = "https://issuer.simulator.example/"
	FederatedSubject = "system:serviceaccount:engage:runner"
	// frontEndClientID is the application that employees sign in to.
	frontEndClientID = "6f0a1c1e-0000-4000-8000-00000000000f"
	// dataverseAppID is the resource id of Dataverse in every tenant.
	dataverseAppID = "00000007-0000-0000-c000-000000000000"
)

const defaultTokenLifetime = 75 * time.Minute

// Registration is one app registration of the simulated Entra.
type Registration struct {
	ClientID string
	// AudienceURI is the Application ID URI; api://ClientID is accepted too.
	AudienceURI string
	// Secrets are all valid at the same time, as while rotating. ExpiredSecrets
	// are recognised and refused as expired.
	Secrets, ExpiredSecrets []string
	// Certificates sign client assertions.
	Certificates []*x509.Certificate
	// Federated are the workloads that may speak for the registration.
	Federated []FederatedCredential
	// Tenants are those that consented; nil: all.
	Tenants []string
	// Disabled refuses every request, as a disabled service principal does.
	Disabled bool
}

// FederatedCredential is a trust in tokens of another issuer. The issuer's key
// is the simulator's own.
type FederatedCredential struct{ Issuer, Subject string }

// EntraUser is a person as the directory knows them. A disabled one gets no
// token.
type EntraUser struct {
	ObjectID, Email, Name string
	Disabled              bool
}

// EntraOptions are what NewEntra needs. Every zero value has a default.
type EntraOptions struct {
	// Clock is the time of tokens; nil: time.Now.
	Clock func() time.Time
	// NewID makes trace and token ids; nil: random GUIDs.
	NewID func() string
	// Tenants are the known tenant ids. The first is the default one, and that
	// of the Dataverse organisation; nil: DefaultTenantID.
	Tenants []string
	// Resources are the origins of environments that tokens may be asked for.
	// Every loopback origin is known besides.
	Resources []string
	// User finds a person by e-mail or object id; nil, or false: a person who
	// is not listed gets an object id that follows from the e-mail.
	User func(tenantID, emailOrObjectID string) (EntraUser, bool)
}

// Entra is a simulated Entra ID: an http.Handler for every path that is not
// Dataverse's.
type Entra struct {
	clock     func() time.Time
	newID     func() string
	home      string // the first tenant
	resources []string
	user      func(tenantID, key string) (EntraUser, bool)
	keys      *keyRing

	mu            sync.Mutex
	tenants       []string
	registrations map[string]*Registration
	lifetime      time.Duration
	faults        []*TokenFault
	demands       []demand
	revoked       map[string]time.Time // object id, or "" for everybody
	log           tokenLog
	devices       map[string]*deviceGrant
	callers       map[string]Caller // bearers that were checked already
	bearers       map[string]string // user to the bearer made for them
	documents     map[string]int    // GETs by path
}

// NewEntra makes a simulated Entra with the default registration.
func NewEntra(o EntraOptions) *Entra {
	e := &Entra{
		clock: o.Clock, newID: o.NewID, tenants: o.Tenants, resources: o.Resources, user: o.User,
		keys: newKeyRing(), lifetime: defaultTokenLifetime,
		registrations: map[string]*Registration{},
		revoked:       map[string]time.Time{},
		devices:       map[string]*deviceGrant{},
		callers:       map[string]Caller{},
		bearers:       map[string]string{},
		documents:     map[string]int{},
	}
	if e.clock == nil {
		e.clock = time.Now
	}
	if e.newID == nil {
		e.newID = randomID
	}
	if len(e.tenants) == 0 {
		e.tenants = []string{DefaultTenantID}
	}
	e.home = strings.ToLower(e.tenants[0])
	e.tenants = slices.Clone(e.tenants)
	e.register(Registration{
		ClientID: DefaultClientID, AudienceURI: DefaultAudience,
		Secrets:   []string{DefaultClientSecret},
		Federated: []FederatedCredential{{Issuer: FederatedIssuer, Subject: FederatedSubject}},
	})
	return e
}

func (e *Entra) register(r Registration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.registrations[strings.ToLower(r.ClientID)] = &r
}

// ServeHTTP answers /{tenant}/... : discovery, keys, tokens, device codes.
func (e *Entra) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	tenant, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		e.countDocument(r.URL.Path)
		switch rest {
		case "discovery/instance":
			e.instanceDiscovery(w, r)
			return
		case ".well-known/openid-configuration":
			e.configuration(w, r, tenant, 1)
			return
		case "v2.0/.well-known/openid-configuration":
			e.configuration(w, r, tenant, 2)
			return
		case "discovery/keys":
			writeEntraJSON(w, http.StatusOK, e.keys.document(""))
			return
		case "discovery/v2.0/keys":
			writeEntraJSON(w, http.StatusOK, e.keys.document(issuerV2(tenantOrTemplate(tenant))))
			return
		case "oauth2/deviceauth":
			e.devicePage(w, r)
			return
		}
	}
	switch rest {
	case "oauth2/v2.0/token", "oauth2/token":
		if r.Method != http.MethodPost {
			e.refuse(w, r, sts(900561, "The endpoint only accepts POST requests. Received a %s request.", r.Method))
			return
		}
		e.token(w, r, tenant)
		return
	case "oauth2/v2.0/devicecode":
		e.deviceCode(w, r, tenant)
		return
	case "oauth2/deviceauth":
		e.devicePage(w, r)
		return
	}
	http.Error(w, "the simulated Entra has no "+r.Method+" "+r.URL.Path, http.StatusNotFound)
}

// maxDocuments bounds the memory of paths that were asked for.
const maxDocuments = 1000

func (e *Entra) countDocument(path string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.documents) < maxDocuments {
		e.documents[path]++
	}
}

func (e *Entra) tenantKnown(id string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.ContainsFunc(e.tenants, func(t string) bool { return strings.EqualFold(t, id) })
}

// shared names of tenants that stand for "the user's own".
func isSharedTenant(id string) bool {
	return id == "common" || id == "organizations" || id == "consumers"
}

func tenantOrTemplate(tenant string) string {
	if isSharedTenant(tenant) {
		return "{tenantid}"
	}
	return strings.ToLower(tenant)
}

// issuerV1 and issuerV2 are the global cloud's, wherever the simulator listens:
// EN002.
func issuerV1(tenant string) string { return "https://sts.windows.net/" + tenant + "/" }
func issuerV2(tenant string) string { return "https://login.microsoftonline.com/" + tenant + "/v2.0" }

// configuration answers the OpenID discovery document of a version: EN001.
func (e *Entra) configuration(w http.ResponseWriter, r *http.Request, tenant string, version int) {
	if !isSharedTenant(tenant) && !e.tenantKnown(tenant) {
		e.refuse(w, r, sts(90002, "Tenant '%s' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud.", tenant).as("invalid_tenant"))
		return
	}
	base, issuer := origin(r)+"/"+tenant, issuerV1(tenantOrTemplate(tenant))
	v, keys := "", "/discovery/keys"
	if version == 2 {
		issuer, v, keys = issuerV2(tenantOrTemplate(tenant)), "/v2.0", "/discovery/v2.0/keys"
	}
	writeEntraJSON(w, http.StatusOK, map[string]any{
		"issuer":                                issuer,
		"authorization_endpoint":                base + "/oauth2" + v + "/authorize",
		"token_endpoint":                        base + "/oauth2" + v + "/token",
		"device_authorization_endpoint":         base + "/oauth2" + v + "/devicecode",
		"jwks_uri":                              base + keys,
		"token_endpoint_auth_methods_supported": []string{"client_secret_post", "private_key_jwt", "client_secret_basic"},
		"response_types_supported":              []string{"code", "id_token", "code id_token", "id_token token"},
		"subject_types_supported":               []string{"pairwise"},
		"id_token_signing_alg_values_supported": []string{"RS256"},
		"scopes_supported":                      []string{"openid", "profile", "email", "offline_access"},
		"claims_supported":                      []string{"sub", "iss", "aud", "exp", "iat", "tid", "ver"},
		"tenant_region_scope":                   "EU",
		"cloud_instance_name":                   "microsoftonline.com",
	})
}

// instanceDiscovery answers a client that asks whether we know this host: EN004.
func (e *Entra) instanceDiscovery(w http.ResponseWriter, r *http.Request) {
	tenant := "common"
	if u, err := url.Parse(r.URL.Query().Get("authorization_endpoint")); err == nil {
		if t, _, _ := strings.Cut(strings.TrimPrefix(u.Path, "/"), "/"); t != "" {
			tenant = t
		}
	}
	writeEntraJSON(w, http.StatusOK, map[string]any{
		"tenant_discovery_endpoint": origin(r) + "/" + tenant + "/v2.0/.well-known/openid-configuration",
		"api-version":               "1.1",
		"metadata": []any{map[string]any{
			"preferred_network": r.Host, "preferred_cache": r.Host, "aliases": []string{r.Host},
		}},
	})
}

// origin is the scheme and host under which the client reached us.
func origin(r *http.Request) string {
	if r.TLS != nil {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

func writeEntraJSON(w http.ResponseWriter, status int, body any) {
	h := w.Header()
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("Cache-Control", "no-store, no-cache")
	h.Set("Pragma", "no-cache")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client has gone; nobody to tell
}

// person finds a user, or makes one whose object id follows from tenant and
// e-mail: EN053.
func (e *Entra) person(tenant, key string) EntraUser {
	if e.user != nil {
		if u, ok := e.user(tenant, key); ok {
			return u
		}
	}
	if strings.Contains(key, "@") {
		return EntraUser{ObjectID: derivedID("user", tenant, strings.ToLower(key)), Email: key, Name: key}
	}
	return EntraUser{ObjectID: key}
}

// derivedID makes a GUID of its arguments.
func derivedID(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return formatID(sum[:16])
}

func randomID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return formatID(b[:])
}

func formatID(b []byte) string {
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:16])
}

// sign makes a token with the key that signs now.
func (e *Entra) sign(claims jwt.MapClaims) string {
	k := e.keys.signer()
	return signWith(k, claims)
}

func signWith(k signingKey, claims jwt.MapClaims) string {
	t := jwt.NewWithClaims(jwt.SigningMethodRS256, claims)
	t.Header["kid"] = k.id
	if claims["ver"] == "1.0" {
		t.Header["x5t"] = k.id
	}
	s, err := t.SignedString(k.private())
	if err != nil {
		panic("simulator: cannot sign a token: " + err.Error())
	}
	return s
}
