package auth

import (
	"errors"

	"github.com/golang-jwt/jwt/v5"
)

// refuseParse words an error of the token parser, whose own text may quote the
// token.
func (v *verifier) refuseParse(err error) *Error {
	switch {
	case errors.Is(err, jwt.ErrTokenSignatureInvalid):
		return v.refuse(AssertionRefused, "signature", "the signature is not of RS256 by the tenant's key", "the token was changed, or is not of Microsoft Entra ID")
	case errors.Is(err, jwt.ErrTokenUnverifiable):
		return v.refuse(AssertionRefused, "signature", "its signing method is not known", "pass a token of Microsoft Entra ID")
	}
	return v.refuse(AssertionRefused, "form", "it is not a JSON Web Token", "pass the access token that the employee's front end sent")
}
