package auth

import (
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
)

// Reference says where a secret is kept: exactly one of Env and File. The
// secret itself never stands in an environment.
type Reference struct {
	// Env is the name of an environment variable, File the path of a file.
	Env, File string
}

// String names the place, not what is kept there.
func (r Reference) String() string {
	if r.Env != "" {
		return "environment variable " + r.Env
	}
	return "file " + r.File
}

var envName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// maxSecret bounds a secret, a PEM file or a token file, in bytes.
const maxSecret = 64 << 10

// read gives the secret as it is now, without the line end that editors add.
func (r Reference) read() (string, error) {
	var s string
	if r.Env != "" {
		s = os.Getenv(r.Env)
	} else {
		f, err := os.Open(r.File)
		if err != nil {
			return "", fmt.Errorf("%s cannot be opened", r)
		}
		defer f.Close()
		b, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
		if err != nil {
			return "", fmt.Errorf("%s cannot be read", r)
		}
		s = string(b)
	}
	s = strings.TrimSpace(s)
	switch {
	case s == "":
		return "", fmt.Errorf("%s is empty", r)
	case len(s) > maxSecret:
		return "", fmt.Errorf("%s is longer than %d bytes", r, maxSecret)
	}
	return s, nil
}

// secret is a text that prints as [redacted], whatever the verb.
type secret string

func (secret) String() string               { return redacted }
func (secret) GoString() string             { return redacted }
func (secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

const redacted = "[redacted]"

// digest is the SHA-256 of a secret: what caches are keyed by.
type digest [sha256.Size]byte

func digestOf(s string) digest { return sha256.Sum256([]byte(s)) }
