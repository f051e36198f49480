package simulator

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"strconv"
	"sync"
)

// testKeyPEM is a PUBLIC TEST KEY. It is printed here for everybody to read,
// protects nothing, and must never be trusted by anything but a simulator. It
// is a constant so that starting a simulator generates no key.
const testKeyPEM = `-----BEGIN RSA PRIVATE KEY-----
MIIEowIBAAKCAQEA47DK8MfB+9agLJRJASYFwnL/YTKyodgMNsuAqSvfKGjbONHv
8k6W+7hmONTPuGxUhHeYXH2NmZwf2Vh7Jf5GiECFaDVxmdJNVhgSvr7Qa8F/GEPI
NtNJeJJSA9Qu+AuM+LKlK0QP6GYj04xItOs7urEaDPsyeCdBcGq9Jf9UR2qseXDl
fOXjoSixL8y9hB3Qiz8jn+FLox3UoaL/rEzss8wB3uiKa3FnJWsvOuJVPl+0IxFj
Ik6nzkQHanpaoR0oJgirvzyk2Vf40PZaIh6ICigMgNxsRJdOJtxiy5R1p9it3gI+
dBmgyaRioY/wZh0ZWFFcDAd2Fm52DveSpJdi4wIDAQABAoIBAADyoelgOvzSY0Po
ZF0tNUJpHJQU7hbiHLTg2YOHUaWbcmKR5H1KlvNhTh3nuS3PGlc9obLDJEXMGOxZ
OhYBRK0lmF5xLhrIVskmS4D4wxbFG2iaM7ruvpcgBApOgh1XVrbq8NIe36ftKyVT
bwiNQS99fRJq7QpHvzKaAnxAJtg/dFVJyb7B32kHnNWTuwe8QySnaIN7phW92nDC
/FIMccK3Bn0/3zyGtJUWNckncQTRU9Kd27uGWaN+MkuDOnCc+3EiZwUknUNPw6Np
Or/ACBTLJ9s9g1z38+Bjyfk0iIgGSVeRaDXwMfOk9EQD+0/G/grvtYEUKDd9XZrv
UaU6eUECgYEA/bv7ttogvUMkosc7+wgzk7f2xWUcdmTMMIWrXu43ci4i6PNH2irV
nGq8LlC2T4zw7oG4RItuZaX6Wsa+ODft4mP9C6irZzSxRcPxaABmbCZw9MHvAEP/
lFNNUCC+0uouzJPHrcItDq91NMQSKa+g+G3DIBYykV3FJEsNYu0sryMCgYEA5blG
jSh9KcXduKJAhUOswurd4t3BkuvtlWulgX5eToLbK3FEO7sBiVfLLKFkj+ftWrj7
l8ttHXCKCooDjpnJmBLbyDyKpbodK1u+WZtacFHhR/gh0OXZSs8gmChfTLQwbbMy
dr+89TmK9bhXOe3VKqh+mrlxujmJjmV5eRTRmUECgYEAjg+y9gSYsf6mw3CTN5C2
9+zXAFwFHJCA9mXQthzf9FC6gPy87Pxwjtv/slrESDPcLV15ov8B921/h1Wg6O7/
hHKBGgb8uJL68dmsDpOyxLidI5x1SQvJS+176vH6hTJSs33GHZYLDh7Um49vr+FC
WfVye0OSWmtK1nAi9ZFfJEsCgYBgG2UyxQ+oHEmoZukLV8a9PTlbIl9LsjyRWJnD
VTTrL7+1qwta2d/Ir9wmbdb+hY89d0p6tPaPbHez9Q2L6Tb30lv0p69xqi1t6FH4
dxAdEYRocZzkImUH8SO3xJwqIPBp1KB2Ib1R8qL6LgcAC0o1MIzW+mJkAJJV6oop
Z9ZQgQKBgHHsR+6V+uCUmwN/FbFayjqnC9QtkL3XEzhrdAccDi0L3QPoInLHQ3jN
lHIiEeuNYnPTgoWbjtvEivvKkJfUruVd+I3yAQzHdda5z6d24vRXikZob8ViNCew
8AE6gx/ITo3mO7ufRjLLaGwFCwSvbiCj/rE0+iYhkiiwhNx3mtWI
-----END RSA PRIVATE KEY-----
`

// testKey parses the test key when the first token is signed or checked.
var testKey = sync.OnceValue(func() *rsa.PrivateKey {
	block, _ := pem.Decode([]byte(testKeyPEM))
	key, err := x509.ParsePKCS1PrivateKey(block.Bytes)
	if err != nil {
		panic("simulator: the embedded test key does not parse: " + err.Error())
	}
	return key
})

// testKeyID names the test key in token headers and in the key document.
const testKeyID = "simulator-test-key-1"

// signingKey is one key of the key document. A nil key stands for the test
// key, which is parsed only when it is needed.
type signingKey struct {
	id  string
	key *rsa.PrivateKey
}

func (k signingKey) private() *rsa.PrivateKey {
	if k.key == nil {
		return testKey()
	}
	return k.key
}

// keyRing holds the published keys; the last one signs.
type keyRing struct {
	mu        sync.RWMutex
	published []signingKey
	made      int
}

func newKeyRing() *keyRing {
	return &keyRing{published: []signingKey{{id: testKeyID}}, made: 1}
}

func (r *keyRing) signer() signingKey {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.published[len(r.published)-1]
}

func (r *keyRing) find(id string) (signingKey, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for _, k := range r.published {
		if k.id == id {
			return k, true
		}
	}
	return signingKey{}, false
}

// rotate publishes a new key, which signs from now on. The old ones stay
// published until dropOld.
func (r *keyRing) rotate() string {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic("simulator: cannot generate a signing key: " + err.Error())
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.made++
	id := "simulator-test-key-" + strconv.Itoa(r.made)
	r.published = append(r.published, signingKey{id: id, key: key})
	return id
}

// dropOld withdraws every key but the one that signs.
func (r *keyRing) dropOld() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.published = r.published[len(r.published)-1:]
}

// document gives the JWKS. Those of version 2.0 carry the issuer that a key
// serves: EN003.
func (r *keyRing) document(issuer string) map[string]any {
	r.mu.RLock()
	defer r.mu.RUnlock()
	keys := make([]map[string]any, 0, len(r.published))
	for _, k := range r.published {
		pub := k.private().PublicKey
		entry := map[string]any{
			"kty": "RSA", "use": "sig", "kid": k.id, "x5t": k.id,
			"n": base64.RawURLEncoding.EncodeToString(pub.N.Bytes()),
			"e": base64.RawURLEncoding.EncodeToString(big.NewInt(int64(pub.E)).Bytes()),
		}
		if issuer != "" {
			entry["issuer"] = issuer
		}
		keys = append(keys, entry)
	}
	return map[string]any{"keys": keys}
}

// sealKey is the HMAC key of refresh tokens and device codes. It comes from the
// test key, so that a token survives a restart of the simulator, and is as
// public as that.
var sealKey = sync.OnceValue(func() []byte {
	sum := sha256.Sum256([]byte(testKeyPEM))
	return sum[:]
})
