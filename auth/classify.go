package auth

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	msal "github.com/AzureAD/microsoft-authentication-library-for-go/apps/errors"
)

// answer is the error document of the token endpoint: entra-tokens.md, 1.6.
type answer struct {
	Code          string          `json:"error"`
	SubError      string          `json:"suberror"`
	Codes         []int           `json:"error_codes"`
	Claims        json.RawMessage `json:"claims"`
	CorrelationID string          `json:"correlation_id"`
	TraceID       string          `json:"trace_id"`
}

// throttleMemory is how long a user whose requests Entra called a loop (50196)
// is left alone.
const throttleMemory = time.Minute

// fromMSAL turns an error of MSAL into ours, from its parsed fields alone: the
// texts of MSAL's errors may hold tokens, and its requests hold secrets. A
// cancelled context's error comes back as it is; a deadline is Entra's failure
// to answer, because requests run on deadlines of their own.
func fromMSAL(ctx context.Context, op string, err error, now time.Time) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return ctx.Err()
	}
	if own := new(Error); errors.As(err, &own) {
		return own // of a credential callback
	}
	e := &Error{Op: op}
	var call msal.CallErr // a value: errors.As with a pointer finds nothing
	if errors.As(err, &call) && call.Resp != nil {
		if call.Req != nil && call.Req.Method == http.MethodGet {
			e.Op = opDiscovery
		}
		e.fill(call.Resp, now)
		return e
	}
	var badJSON msal.InvalidJsonErr
	switch {
	case errors.As(err, &badJSON):
		e.Kind, e.Detail = Unavailable, "the answer is not the JSON that Entra sends"
		e.Hint = "a proxy may stand between; try again"
	case errors.Is(err, errForeignHost):
		e.Kind, e.Detail = Misconfigured, "the tenant's documents point to a host that is not the environment's authority"
		e.Hint = "check authority"
	case errors.Is(err, errAnswerSize):
		e.Kind, e.Detail = Unavailable, "the answer is too large to be Entra's"
	case isUntrusted(err):
		e.Kind, e.Detail = Misconfigured, "the authority's certificate is not trusted"
		e.Hint = "check authority, and the certificates that this machine trusts; a proxy may open the connection"
	case isNetwork(err):
		e.Kind, e.Detail = Unavailable, networkDetail(err)
	case strings.Contains(err.Error(), "declined scopes"):
		e.Kind, e.Detail = Misconfigured, "Entra granted other permissions than were asked for"
		e.Hint = "check url, and that the registration has the delegated permission user_impersonation of Dataverse"
	case strings.Contains(err.Error(), "token is expired"):
		e.Kind, e.Detail = Misconfigured, "Entra issued a token of five minutes or less"
		e.Hint = "check the token lifetime policy of the tenant"
	default:
		e.Kind, e.Detail = Misconfigured, "the sign-in library refused the request or its answer"
		e.Hint = "check authority, tenantId, clientId and the credential"
	}
	return e
}

// fill reads Entra's answer into the error.
func (e *Error) fill(res *http.Response, now time.Time) {
	e.Status = res.StatusCode
	e.RequestID = headerID(res.Header.Get("X-Ms-Request-Id"))
	e.RetryAfter = retryAfter(res.Header.Get("Retry-After"), now)
	var body []byte
	if res.Body != nil {
		body, _ = io.ReadAll(io.LimitReader(res.Body, 64<<10)) // a body that breaks off is no JSON
		res.Body = io.NopCloser(bytes.NewReader(body))
	}
	var a answer
	if json.Unmarshal(body, &a) == nil {
		e.Code, e.SubError, e.Codes = headerID(a.Code), headerID(a.SubError), a.Codes
		e.CorrelationID, e.TraceID = headerID(a.CorrelationID), headerID(a.TraceID)
		e.Claims = challenge(a.Claims)
	}
	e.classify()
}

// headerID keeps what looks like an identifier: a proxy's page could put
// anything where Entra puts its ids.
func headerID(s string) string {
	if len(s) > 100 || strings.ContainsFunc(s, func(r rune) bool {
		return r != '-' && r != '_' && r != '.' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	}) {
		return ""
	}
	return s
}

// challenge gives the claims as raw JSON: they come as a string that holds
// JSON, and must be an object.
func challenge(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		s = string(raw)
	}
	if len(s) > 16<<10 || !isJSONObject(s) {
		return ""
	}
	return s
}

func isJSONObject(s string) bool {
	var m map[string]json.RawMessage
	return json.Unmarshal([]byte(s), &m) == nil && m != nil
}

// retryAfter reads seconds or a date; never negative.
func retryAfter(s string, now time.Time) time.Duration {
	if n, err := strconv.Atoi(strings.TrimSpace(s)); err == nil {
		return max(0, time.Duration(min(n, 24*60*60))*time.Second)
	}
	if t, err := http.ParseTime(s); err == nil {
		return max(0, t.Sub(now))
	}
	return 0
}

// classify decides the kind in the order of entra-tokens.md, section 2: by
// error, suberror, claims and status; AADSTS codes only refine.
func (e *Error) classify() {
	has := func(codes ...int) bool {
		return slices.ContainsFunc(codes, func(c int) bool { return slices.Contains(e.Codes, c) })
	}
	switch {
	case has(50196):
		e.Kind = Throttled
		e.RetryAfter = max(e.RetryAfter, throttleMemory)
	case e.Status == http.StatusTooManyRequests:
		e.Kind = Throttled
	case e.Status >= 500, e.Status == http.StatusRequestTimeout, e.Code == "temporarily_unavailable",
		has(90033, 90024, 90006, 90012, 90090, 50033, 50087):
		e.Kind = Unavailable
	case e.Status >= 300 && e.Status < 400:
		e.Kind, e.Detail = Misconfigured, "the authority answered with a redirect, which is not followed"
	case e.SubError == "consent_required", has(65001):
		e.Kind = ConsentRequired
	case e.SubError == "message_only", has(53003):
		e.Kind = Blocked
	case e.Claims != "", e.Code == "interaction_required",
		slices.Contains([]string{"basic_action", "additional_action", "user_password_expired", "token_expired", "bad_token"}, e.SubError):
		e.Kind = SignInRequired
	case has(7000114):
		e.Kind = AppOnly
	case has(50027, 240002) && !has(700027, 700024):
		e.Kind = AssertionRefused
	case slices.Contains([]string{"invalid_client", "unauthorized_client", "invalid_resource", "invalid_scope", "invalid_tenant", "unsupported_grant_type", "invalid_request"}, e.Code),
		has(501051, 650056, 65005):
		e.Kind = Misconfigured
	case has(500131, 50013):
		e.Kind = AssertionRefused
	case has(50020, 50034, 51004, 90072, 50014, 50057, 50105):
		e.Kind = UserRefused
	case has(500212, 500213):
		e.Kind = Blocked
	case e.Code == "invalid_grant":
		e.Kind = SignInRequired
	default:
		e.Kind = Misconfigured
		if e.Code == "" {
			e.Kind, e.Detail = Unavailable, "the answer is not Entra's"
		}
	}
	e.advise()
}

// hints says what to do about a code; entra-tokens.md, sections 2.1 to 2.4.
var hints = map[int]string{
	50076:   "the employee must sign in with multi-factor authentication",
	50079:   "the employee must enrol in multi-factor authentication",
	50072:   "the employee must enrol in multi-factor authentication",
	500133:  "the employee's token has expired; the front end must fetch another",
	50173:   "the employee's sign-in was revoked, as by a password reset; they must sign in again",
	70043:   "the tenant's sign-in frequency demands that the employee signs in again",
	65001:   "an administrator must consent to the registration's permission for Dataverse",
	53000:   "the employee's device does not comply with the tenant's policy",
	53001:   "the employee's device must be joined to the tenant",
	53003:   "a Conditional Access policy blocks the access; ask the tenant's administrator",
	500131:  "the token is for another application; the front end must ask for a scope of this API, spelled exactly as registered",
	50013:   "the token's signature or issuer does not fit: a token of another API, or of a registration with its own signing key",
	240002:  "this is an id token; the front end must send an access token",
	50027:   "the token is malformed",
	7000114: "only an employee's token can be exchanged, not an application's",
	7000215: "the client secret is wrong; often its id was pasted in place of its value",
	7000222: "the client secret has expired",
	700027:  "the certificate is not registered, or another key signed",
	700024:  "the client assertion is outside its lifetime; check the clock, or the federated token file",
	7000218: "no credential was sent",
	700016:  "the application is unknown in this tenant; check tenantId and clientId, or an administrator must consent",
	7000229: "the application has no service principal in this tenant; an administrator must consent",
	7000112: "an administrator disabled the application in this tenant",
	90002:   "the tenant does not exist; check tenantId, and authority for national clouds",
	500011:  "the organisation is unknown in this tenant; check url",
	500014:  "Dataverse is disabled in this tenant",
	650052:  "the tenant has no licence for Dataverse",
	650056:  "the registration lacks the permission for Dataverse",
	650057:  "the registration lacks the permission for Dataverse",
	65005:   "the registration lacks the permission for Dataverse",
	501051:  "the application must be assigned to a role first",
	50020:   "the employee is not in this tenant",
	50034:   "the employee is not in this tenant",
	50057:   "the employee's account is disabled",
	50105:   "the employee is not assigned to the application",
	50196:   "Entra saw a loop of requests for this user",
	700211:  "the registration trusts no such issuer; check the federated credential",
	700212:  "the federated token is for another audience",
	700213:  "the registration trusts no such subject; check the federated credential",
}

var kindHints = map[Failure]string{
	SignInRequired:  "the employee must sign in again",
	ConsentRequired: "an administrator must consent to the registration's permission for Dataverse",
	Blocked:         "a policy of the tenant forbids it; ask its administrator",
	Unavailable:     "try again later",
	Throttled:       "try again later",
	Misconfigured:   "check the environment and its app registration",
}

// advise chooses the hint.
func (e *Error) advise() {
	for _, c := range e.Codes {
		if h, ok := hints[c]; ok {
			e.Hint = h
			return
		}
	}
	e.Hint = kindHints[e.Kind]
}
