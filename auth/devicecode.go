package auth

import (
	"cmp"
	"context"

	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/public"
)

// DeviceCode is what a person needs to sign in on another device.
type DeviceCode struct {
	// UserCode is to be entered at VerificationURL.
	UserCode, VerificationURL string
	// Message is Entra's own sentence with both.
	Message string
}

// SignIn gives the source of a person at a terminal: they are shown a code,
// enter it in a browser and sign in there. It is for the command line's live
// dry runs, where no front end has an assertion to send; the registration must
// allow public client flows. It waits until the person has signed in, the code
// ends (15 minutes) or ctx does.
func (b *Broker) SignIn(ctx context.Context, show func(DeviceCode)) (*Source, error) {
	reg := cmp.Or(b.env.OnBehalfOf, b.env.Application)
	x := b.exchanger(opDeviceCode, reg)
	client, err := public.New(reg.ClientID,
		public.WithAuthority(msalAuthority(b.env)), public.WithHTTPClient(b.http), public.WithInstanceDiscovery(false))
	if err != nil {
		return nil, x.misconfigured("the sign-in library refused authority or client id", "check the environment")
	}
	// A public client asks for the one delegated permission of Dataverse.
	scopes := []string{b.env.URL + "/user_impersonation"}
	code, err := client.AcquireTokenByDeviceCode(ctx, scopes)
	if err != nil {
		return nil, x.signInFailed(ctx, err)
	}
	show(DeviceCode{UserCode: code.Result.UserCode, VerificationURL: code.Result.VerificationURL, Message: code.Result.Message})
	res, err := code.AuthenticationResult(ctx)
	if err != nil {
		return nil, x.signInFailed(ctx, err)
	}
	first, err := x.issued(res, "")
	if err != nil {
		return nil, err
	}
	s := &Source{
		identity: "person " + res.Account.HomeAccountID + " of " + b.env.ID + " through " + reg.ClientID,
		now:      b.opts.Now,
		cell: &cell{fetch: func(ctx context.Context, claims string) (*token, error) {
			with := []public.AcquireSilentOption{public.WithSilentAccount(res.Account)}
			if claims != "" {
				with = append(with, public.WithClaims(claims))
			}
			res, err := client.AcquireTokenSilent(ctx, scopes, with...)
			if err != nil {
				return nil, x.signInFailed(ctx, err)
			}
			return x.issued(res, claims)
		}},
	}
	s.cell.current.Store(first)
	return s, nil
}

// signInFailed words a failure. MSAL reads the answer to a poll away before it
// returns it: a refusal without a code is that of a declined or forgotten one.
func (x *exchanger) signInFailed(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	err = x.own(fromMSAL(ctx, x.op, err, x.now()))
	if e, ok := err.(*Error); ok && e.Status == 400 && e.Code == "" {
		e.Kind, e.Detail, e.Hint = SignInRequired, "the sign-in was declined, or its code has ended", "start again"
	}
	return err
}
