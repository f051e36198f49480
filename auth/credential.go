package auth

import (
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/confidential"
)

// A FederatedSource gives the token of a workload that a registration trusts,
// such as a managed identity's for api://AzureADTokenExchange. It is called for
// each token request, from any goroutine.
type FederatedSource func(ctx context.Context, clientID, tokenEndpoint string) (string, error)

// credential is one way for a registration to prove itself, with the place it
// came from.
type credential struct {
	msal  confidential.Credential
	place string
}

// credentials reads those of a registration as they are now, so that a secret
// that was changed where it is kept is used from the next exchange on. Of two
// secrets one may be missing: unread says why.
func (x *exchanger) credentials() (creds []credential, unread []error) {
	switch reg := x.registration; {
	case reg.FederatedToken != nil:
		creds = append(creds, credential{confidential.NewCredFromAssertionCallback(x.federatedAssertion), reg.FederatedToken.String()})
	case reg.Certificate != nil:
		cred, err := x.certificate.load(*reg.Certificate, x.now())
		if err != nil {
			return nil, []error{err}
		}
		creds = append(creds, credential{cred, reg.Certificate.String()})
	default:
		for _, ref := range reg.Secrets {
			s, err := ref.read()
			if err != nil {
				unread = append(unread, err)
				continue
			}
			cred, err := confidential.NewCredFromSecret(s)
			if err != nil {
				unread = append(unread, fmt.Errorf("%s holds no usable secret", ref))
				continue
			}
			creds = append(creds, credential{cred, ref.String()})
		}
	}
	return creds, unread
}

// federatedAssertion reads the workload's token on every call, because it
// rotates.
func (x *exchanger) federatedAssertion(ctx context.Context, o confidential.AssertionRequestOptions) (string, error) {
	if x.federated == nil {
		s, err := x.registration.FederatedToken.read()
		if err != nil {
			return "", x.misconfigured(err.Error(), "the workload's token must be there before it can be sent")
		}
		return s, nil
	}
	s, err := x.federated(ctx, o.ClientID, o.TokenEndpoint)
	if err != nil {
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		// The text of the embedder's error may quote a token.
		return "", &Error{Kind: Unavailable, Op: x.op, Detail: "the workload's token could not be had", Hint: "see the embedder's own log"}
	}
	return s, nil
}

// certificateCache keeps the last parsed PEM: checking an RSA key is slow, the
// file rarely changes.
type certificateCache struct {
	mu     sync.Mutex
	of     digest
	cred   confidential.Credential
	expiry time.Time
	loaded bool
}

func (c *certificateCache) load(ref Reference, now time.Time) (confidential.Credential, error) {
	text, err := ref.read()
	if err != nil {
		return confidential.Credential{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if d := digestOf(text); !c.loaded || d != c.of {
		certs, key, err := parsePEM(ref, []byte(text))
		if err != nil {
			return confidential.Credential{}, err
		}
		cred, err := confidential.NewCredFromCert(certs, key)
		if err != nil {
			return confidential.Credential{}, fmt.Errorf("%s: the key does not belong to the certificate", ref)
		}
		c.of, c.cred, c.loaded = d, cred, true
		for _, cert := range certs {
			if pub, ok := cert.PublicKey.(*rsa.PublicKey); ok && pub.Equal(&key.PublicKey) {
				c.expiry = cert.NotAfter
			}
		}
	}
	if now.After(c.expiry) {
		return confidential.Credential{}, fmt.Errorf("%s: the certificate expired at %s", ref, c.expiry.UTC().Format(time.RFC3339))
	}
	return c.cred, nil
}

// parsePEM reads certificates and one unencrypted RSA key. No error repeats
// anything of the text.
func parsePEM(ref Reference, text []byte) (certs []*x509.Certificate, key *rsa.PrivateKey, err error) {
	for rest := text; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		switch {
		case block.Type == "CERTIFICATE":
			cert, err := x509.ParseCertificate(block.Bytes)
			if err != nil {
				return nil, nil, fmt.Errorf("%s: a certificate in it cannot be read", ref)
			}
			certs = append(certs, cert)
		case strings.Contains(block.Type, "ENCRYPTED"), block.Headers["DEK-Info"] != "":
			return nil, nil, fmt.Errorf("%s: the private key is encrypted; store it unencrypted where only this process can read it", ref)
		case block.Type == "PRIVATE KEY":
			k, err := x509.ParsePKCS8PrivateKey(block.Bytes)
			r, ok := k.(*rsa.PrivateKey)
			if err != nil || !ok {
				return nil, nil, fmt.Errorf("%s: the private key is no RSA key", ref)
			}
			key = r
		case block.Type == "RSA PRIVATE KEY":
			if key, err = x509.ParsePKCS1PrivateKey(block.Bytes); err != nil {
				return nil, nil, fmt.Errorf("%s: the private key cannot be read", ref)
			}
		}
	}
	if len(certs) == 0 || key == nil {
		return nil, nil, fmt.Errorf("%s: want PEM with a certificate and its RSA key", ref)
	}
	return certs, key, nil
}
