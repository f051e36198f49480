package simulator

import (
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// stsError is one refusal of the token endpoint, in Entra's shape.
type stsError struct {
	status     int
	code       int
	kind       string // the OAuth error
	suberror   string
	message    string
	claims     string // raw JSON
	retryAfter time.Duration
}

// stsClass is what the wire says of an AADSTS code: status, error, suberror.
type stsClass struct {
	status   int
	kind     string
	suberror string
}

// stsClasses is the table of refusals. Where Microsoft documents no error for a
// code it has the likeliest one of its group.
var stsClasses = map[int]stsClass{
	// The user can help by signing in again.
	50076:  {400, "invalid_grant", "basic_action"},
	50079:  {400, "interaction_required", ""},
	50072:  {400, "interaction_required", ""},
	50074:  {400, "invalid_grant", "basic_action"},
	50078:  {400, "invalid_grant", "basic_action"},
	50158:  {400, "invalid_grant", "basic_action"},
	500133: {400, "invalid_grant", ""},
	50173:  {400, "invalid_grant", "bad_token"},
	70043:  {400, "invalid_grant", "token_expired"},
	700082: {400, "invalid_grant", ""},
	70008:  {400, "invalid_grant", ""},
	700084: {400, "invalid_grant", ""},
	50132:  {400, "invalid_grant", ""},
	50133:  {400, "invalid_grant", ""},
	50089:  {400, "invalid_grant", ""},
	50055:  {400, "invalid_grant", "user_password_expired"},
	50144:  {400, "invalid_grant", ""},
	65001:  {400, "invalid_grant", "consent_required"},
	53000:  {400, "interaction_required", ""},
	53001:  {400, "interaction_required", ""},
	53003:  {400, "interaction_required", "message_only"},
	// The caller passed a wrong assertion.
	500131:  {400, "invalid_grant", ""},
	50013:   {400, "invalid_grant", ""},
	240002:  {400, "invalid_grant", ""},
	50027:   {400, "invalid_request", ""},
	7000114: {400, "unauthorized_client", ""},
	// Configuration, or the state of the tenant.
	7000215: {401, "invalid_client", ""},
	7000222: {401, "invalid_client", ""},
	700027:  {401, "invalid_client", ""},
	700024:  {401, "invalid_client", ""},
	700021:  {401, "invalid_client", ""},
	700023:  {401, "invalid_client", ""},
	700212:  {401, "invalid_client", ""},
	700211:  {401, "invalid_client", ""},
	700213:  {401, "invalid_client", ""},
	7000218: {401, "invalid_client", ""},
	700016:  {400, "unauthorized_client", ""},
	7000229: {401, "invalid_client", ""},
	7000112: {400, "unauthorized_client", ""},
	90002:   {400, "invalid_request", ""},
	500011:  {400, "invalid_resource", ""},
	500014:  {400, "invalid_resource", ""},
	50001:   {400, "invalid_resource", ""},
	650052:  {400, "invalid_resource", ""},
	70011:   {400, "invalid_scope", ""},
	28002:   {400, "invalid_scope", ""},
	1002012: {400, "invalid_scope", ""},
	650056:  {400, "invalid_client", ""},
	650057:  {400, "invalid_resource", ""},
	65005:   {400, "invalid_client", ""},
	501051:  {400, "invalid_grant", ""},
	50020:   {400, "invalid_grant", ""},
	50034:   {400, "invalid_grant", ""},
	51004:   {400, "invalid_grant", ""},
	90072:   {400, "invalid_grant", ""},
	50014:   {400, "invalid_grant", ""},
	16000:   {400, "interaction_required", ""},
	50057:   {400, "invalid_grant", ""},
	50105:   {400, "invalid_grant", ""},
	500212:  {400, "invalid_grant", ""},
	500213:  {400, "invalid_grant", ""},
	900432:  {400, "invalid_grant", ""},
	900382:  {400, "invalid_request", ""},
	50194:   {400, "invalid_request", ""},
	9001023: {400, "invalid_request", ""},
	900144:  {400, "invalid_request", ""},
	90014:   {400, "invalid_request", ""},
	9002313: {400, "invalid_request", ""},
	900561:  {405, "invalid_request", ""},
	70003:   {400, "unsupported_grant_type", ""},
	// Trouble that passes.
	90033: {400, "temporarily_unavailable", ""},
	90024: {400, "temporarily_unavailable", ""},
	90006: {400, "temporarily_unavailable", ""},
	90012: {400, "temporarily_unavailable", ""},
	90090: {400, "temporarily_unavailable", ""},
	50033: {400, "temporarily_unavailable", ""},
	50087: {400, "temporarily_unavailable", ""},
	50196: {400, "invalid_grant", ""},
	// The device code flow.
	70016: {400, "authorization_pending", ""},
	70018: {400, "bad_verification_code", ""},
	70019: {400, "expired_token", ""},
	70020: {400, "expired_token", ""},
}

// sts makes a refusal of a code.
func sts(code int, format string, args ...any) *stsError {
	c, ok := stsClasses[code]
	if !ok {
		c = stsClass{http.StatusBadRequest, "invalid_grant", ""}
	}
	return &stsError{status: c.status, code: code, kind: c.kind, suberror: c.suberror, message: fmt.Sprintf(format, args...)}
}

// as changes the OAuth error, for codes that are reported as more than one.
func (e *stsError) as(kind string) *stsError { e.kind = kind; return e }

// refuse writes the error document.
func (e *Entra) refuse(w http.ResponseWriter, r *http.Request, f *stsError) {
	now, trace := e.clock().UTC(), e.newID()
	correlation := r.Header.Get("Client-Request-Id")
	if correlation == "" {
		correlation = e.newID()
	}
	body := map[string]any{
		"error": f.kind,
		"error_description": fmt.Sprintf("AADSTS%d: %s Trace ID: %s Correlation ID: %s Timestamp: %s",
			f.code, f.message, trace, correlation, now.Format("2006-01-02 15:04:05Z")),
		"error_codes":    []int{f.code},
		"timestamp":      now.Format("2006-01-02 15:04:05Z"),
		"trace_id":       trace,
		"correlation_id": correlation,
		"error_uri":      "https://login.microsoftonline.com/error?code=" + strconv.Itoa(f.code),
	}
	if f.suberror != "" {
		body["suberror"] = f.suberror
	}
	if f.claims != "" {
		body["claims"] = f.claims
	}
	if f.retryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(f.retryAfter.Seconds())))
	}
	w.Header().Set("X-Ms-Request-Id", trace)
	writeEntraJSON(w, f.status, body)
}
