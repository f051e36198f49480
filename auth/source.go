package auth

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"
)

// Source gives the Dataverse tokens of one identity: an employee, by
// On-Behalf-Of, or the application user, by client credentials. It stays what
// it is: nothing turns one into the other. It is safe for concurrent use, and
// prints as its identity.
//
// It satisfies dataverse.TokenSource, dataverse.Renewer and
// dataverse.Identifier.
type Source struct {
	identity string
	employee *Employee // nil for the application
	cell     *cell
	broken   *Error // why this source can never give a token
	now      func() time.Time
	expired  func(at time.Time) *Error
}

// Token gives a token that is good for the next request. The error is *Error,
// or the context's.
//
// A token that is at hand costs neither a request nor an allocation. It is
// renewed before it ends. An employee's source fails from the end of their
// assertion on, even where Entra would go on.
func (s *Source) Token(ctx context.Context) (string, error) {
	now := s.now()
	if err := s.usable(ctx, now); err != nil {
		return "", err
	}
	return s.cell.get(ctx, now)
}

// Renew gives another token after Dataverse answered 401 to the rejected one;
// claims is the challenge of that answer, JSON or its base64 form, or empty.
// Callers who were rejected together get one new token. It must be asked once
// a request: a second rejection is final.
func (s *Source) Renew(ctx context.Context, rejected, claims string) (string, error) {
	now := s.now()
	if err := s.usable(ctx, now); err != nil {
		return "", err
	}
	return s.cell.after(ctx, now, rejected, decodeChallenge(claims))
}

func (s *Source) usable(ctx context.Context, now time.Time) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if s.broken != nil {
		return s.broken
	}
	if s.employee != nil && !now.Before(s.employee.Expires) {
		return s.expired(s.employee.Expires)
	}
	return nil
}

// decodeChallenge takes the claims of a WWW-Authenticate header leniently: as
// JSON, or base64 of either alphabet, padded or not. What is no JSON object
// counts as none.
func decodeChallenge(s string) string {
	if isJSONObject(s) {
		return s
	}
	plain := strings.NewReplacer("+", "-", "/", "_").Replace(strings.TrimRight(s, "="))
	b, err := base64.RawURLEncoding.DecodeString(plain)
	if err != nil || len(b) > 16<<10 || !isJSONObject(string(b)) {
		return ""
	}
	return string(b)
}

// Employee gives the person that this source speaks for; false for the
// application.
func (s *Source) Employee() (Employee, bool) {
	if s.employee == nil {
		return Employee{}, false
	}
	return *s.employee, true
}

// Identity names who this is, without a secret: environment, client and, for an
// employee, object id.
func (s *Source) Identity() string { return s.identity }

// String is the identity.
func (s *Source) String() string { return s.identity }

// Format prints the identity, whatever the verb.
func (s *Source) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "auth.Source("+s.identity+")") }

// LogValue is the identity.
func (s *Source) LogValue() slog.Value { return slog.StringValue(s.identity) }

// MarshalText gives the identity, so that JSON of a struct that holds a source
// has no more.
func (s *Source) MarshalText() ([]byte, error) { return []byte(s.identity), nil }
