package auth_test

import (
	"context"
	"errors"
	"testing"

	"github.com/andmoneyaps/engage-playbooks/auth"
)

func TestSignInByDeviceCode(t *testing.T) {
	r := newRig(t, nil)
	s, err := r.broker.SignIn(t.Context(), func(c auth.DeviceCode) {
		if c.UserCode == "" || c.VerificationURL == "" || c.Message == "" {
			t.Errorf("%+v", c)
		}
		r.ApproveDevice(c.UserCode, mette)
	})
	if err != nil {
		t.Fatal(err)
	}
	first := r.token(s)
	who, err := r.Validate(first)
	if err != nil || who.Email != mette || who.AppOnly {
		t.Errorf("the token speaks for %+v: %v", who, err)
	}
	second, err := s.Renew(t.Context(), first, `{"access_token":{"nbf":{"value":"1"}}}`)
	if err != nil || second == first {
		t.Errorf("not renewed: %v", err)
	}
}

func TestDeclinedAndCancelledSignIn(t *testing.T) {
	r := newRig(t, nil)
	_, err := r.broker.SignIn(t.Context(), func(c auth.DeviceCode) { r.ApproveDevice(c.UserCode, "") })
	if e := failure(t, err); e.Kind != auth.SignInRequired {
		t.Error(e)
	}
	ctx, cancel := context.WithCancel(t.Context())
	if _, err = r.broker.SignIn(ctx, func(auth.DeviceCode) { cancel() }); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
