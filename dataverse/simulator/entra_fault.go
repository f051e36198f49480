package simulator

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// TokenRequest is one request to the token endpoint, without its secrets.
type TokenRequest struct {
	Time time.Time
	// Tenant is that of the URL.
	Tenant string
	// Grant is the grant type: GrantOnBehalfOf and so on.
	Grant string
	// TokenUse is the requested_token_use parameter.
	TokenUse string
	// ClientID is the registration that asked.
	ClientID string
	// User is the object id of the person concerned; empty without one.
	User string
	// Resource is the scope without its last part.
	Resource string
	// Credential is "secret", "certificate", "federated" or empty.
	Credential string
	// Claims is the claims parameter.
	Claims string
	// CorrelationID is the client's.
	CorrelationID string
	// Status and Code are those of the answer; Code is 0 or an AADSTS number.
	Status, Code int
}

const maxTokenLog = 10_000

// tokenLog keeps the last requests and counts all.
type tokenLog struct {
	mu     sync.Mutex
	recent []TokenRequest
	counts map[string]int
}

func (l *tokenLog) add(r TokenRequest) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.counts == nil {
		l.counts = map[string]int{}
	}
	l.counts[r.Grant]++
	if len(l.recent) >= maxTokenLog {
		l.recent = slices.Delete(l.recent, 0, maxTokenLog/2)
	}
	l.recent = append(l.recent, r)
}

func (l *tokenLog) all() []TokenRequest {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.recent)
}

func (l *tokenLog) count(grant string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if grant != "" {
		return l.counts[grant]
	}
	n := 0
	for _, c := range l.counts {
		n += c
	}
	return n
}

// TokenFault makes the token endpoint fail. Exactly one of Code, HTTPStatus,
// Hang and Drop says how.
type TokenFault struct {
	// Match chooses the requests; nil: all.
	Match func(TokenRequest) bool
	// Times is how often it happens; 0: until ClearTokenFaults.
	Times int
	// Code is an AADSTS code, answered in Entra's shape. Kind and SubError
	// replace the error and suberror that the code usually has.
	Code           int
	Kind, SubError string
	// Claims is the claims challenge of the answer, raw JSON.
	Claims string
	// HTTPStatus answers with Body as it stands, of type ContentType
	// ("text/plain").
	HTTPStatus        int
	Body, ContentType string
	// Header is added to the answer: Retry-After, Location.
	Header http.Header
	// Hang waits until the client gives up, Drop closes the connection.
	Hang, Drop bool
	// Truncate announces more bytes of Body than it sends.
	Truncate bool
}

func (f *TokenFault) status() int {
	switch {
	case f.Hang || f.Drop:
		return 0
	case f.HTTPStatus != 0:
		return f.HTTPStatus
	}
	return sts(f.Code, "").status
}

// nextFault takes the first fault that the request meets.
func (e *Entra) nextFault(r TokenRequest) *TokenFault {
	e.mu.Lock()
	defer e.mu.Unlock()
	for i, f := range e.faults {
		if f.Match != nil && !f.Match(r) {
			continue
		}
		if f.Times > 0 {
			if f.Times--; f.Times == 0 {
				e.faults = slices.Delete(e.faults, i, i+1)
			}
		}
		return f
	}
	return nil
}

func (f *TokenFault) answer(e *Entra, w http.ResponseWriter, r *http.Request) {
	switch {
	case f.Hang:
		_, _ = io.Copy(io.Discard, r.Body) // the server notices a client that leaves only when the body is read
		<-r.Context().Done()
		return
	case f.Drop:
		panic(http.ErrAbortHandler)
	}
	for k, v := range f.Header {
		w.Header()[k] = v
	}
	if f.HTTPStatus != 0 {
		ct := f.ContentType
		if ct == "" {
			ct = "text/plain"
		}
		w.Header().Set("Content-Type", ct)
		if f.Truncate {
			w.Header().Set("Content-Length", strconv.Itoa(len(f.Body)+100))
		}
		w.WriteHeader(f.HTTPStatus)
		_, _ = io.WriteString(w, f.Body) // the client has gone; nobody to tell
		return
	}
	refusal := sts(f.Code, "The simulator was told to refuse this request.")
	if f.Kind != "" {
		refusal.kind = f.Kind
	}
	if f.SubError != "" {
		refusal.suberror = f.SubError
	}
	refusal.claims = f.Claims
	e.refuse(w, r, refusal)
}

// userOf reads the person of a request before anything is checked, so that a
// fault can match it.
func (e *Entra) userOf(form url.Values) string {
	if raw := form.Get("assertion"); raw != "" {
		claims := jwt.MapClaims{}
		_, _, _ = jwt.NewParser().ParseUnverified(raw, claims) // a bad one has no person
		return firstText(claims, "oid")
	}
	s, _ := openRefreshToken(form.Get("refresh_token"))
	return s.ObjectID
}

// demand is a Conditional Access policy: a claim that tokens must bring.
type demand struct {
	user   string // object id or client id; "": everybody
	code   int
	claims string
	want   map[string]claimRequest
}

type claimRequest struct {
	Value  any   `json:"value"`
	Values []any `json:"values"`
}

// newDemand reads a claims challenge.
func newDemand(user string, code int, claims string) (demand, error) {
	var body struct {
		AccessToken map[string]claimRequest `json:"access_token"`
	}
	if err := json.Unmarshal([]byte(claims), &body); err != nil || len(body.AccessToken) == 0 {
		return demand{}, fmt.Errorf("simulator: a claims challenge is JSON with an access_token object, not %q", claims)
	}
	return demand{user: strings.ToLower(user), code: code, claims: claims, want: body.AccessToken}, nil
}

// unmet gives the refusal of the first demand that the person's token does not
// meet.
func (e *Entra) unmet(user, clientID string, have map[string]any) *stsError {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, d := range e.demands {
		if d.user != "" && d.user != strings.ToLower(user) && d.user != strings.ToLower(clientID) {
			continue
		}
		for claim, want := range d.want {
			if !want.metBy(claim, have) {
				refusal := sts(d.code, "Due to a configuration change made by your administrator, or because you moved to a new location, you must use multi-factor authentication to access '%s'.", dataverseAppID)
				refusal.claims = d.claims
				return refusal
			}
		}
	}
	return nil
}

func (c claimRequest) metBy(claim string, have map[string]any) bool {
	wanted := c.Values
	if c.Value != nil {
		wanted = append([]any{c.Value}, wanted...)
	}
	if claim == "nbf" { // a token issued since
		issued, _ := have["iat"].(float64)
		for _, v := range wanted {
			since, err := strconv.ParseFloat(fmt.Sprint(v), 64)
			if err != nil || issued < since {
				return false
			}
		}
		return true
	}
	list, ok := have[claim].([]any)
	if !ok && have[claim] != nil {
		list = []any{have[claim]}
	}
	return slices.ContainsFunc(list, func(h any) bool {
		return len(wanted) == 0 || slices.ContainsFunc(wanted, func(v any) bool { return fmt.Sprint(v) == fmt.Sprint(h) })
	})
}

// isRevoked reports whether what was issued to the person then is void now.
func (e *Entra) isRevoked(objectID string, issued time.Time) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.revoked) == 0 {
		return false
	}
	for _, who := range []string{"", strings.ToLower(objectID)} {
		if at, ok := e.revoked[who]; ok && issued.Before(at) {
			return true
		}
	}
	return false
}
