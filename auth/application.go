package auth

import (
	"context"

	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/confidential"
)

// newApplication gives the source of the environment's application user.
func newApplication(b *Broker) *Source {
	reg := b.env.Application
	if reg == nil {
		e := &Error{Kind: Misconfigured, Op: opApplication,
			Detail: "the environment has no application registration", Hint: "add application to the environment; an employee is never used in its place"}
		e.place(b.env)
		return &Source{identity: "no application of " + b.env.ID, broken: e, now: b.opts.Now}
	}
	x := b.exchanger(opApplication, reg)
	return &Source{
		identity: "application " + reg.ClientID + " of " + b.env.ID,
		now:      b.opts.Now,
		cell: &cell{fetch: func(ctx context.Context, claims string) (*token, error) {
			t, err := x.acquire(ctx, reg.ClientID, claims, func(ctx context.Context, c confidential.Client, o options) (confidential.AuthResult, error) {
				var with []confidential.AcquireByCredentialOption
				if o.claims != "" {
					with = append(with, confidential.WithClaims(o.claims))
				}
				return c.AcquireTokenByCredential(ctx, o.scopes, with...)
			})
			if e, ok := err.(*Error); ok && e.Kind == SignInRequired {
				// There is nobody who could sign in.
				e.Kind, e.Hint = Blocked, "a policy for workloads forbids it; ask the tenant's administrator"
			}
			return t, err
		}},
	}
}
