package temporal

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// ParseAddress splits "host:port/namespace", as commands take it; the namespace
// is "default" unless given.
func ParseAddress(address string) (hostPort, namespace string, err error) {
	hostPort, namespace, found := strings.Cut(address, "/")
	if !found {
		namespace = "default"
	}
	host, port, err := net.SplitHostPort(hostPort)
	if n, convErr := strconv.Atoi(port); err != nil || convErr != nil || n < 1 || n > 65535 || host == "" || namespace == "" {
		return "", "", fmt.Errorf("temporal: %q is no address: want host:port, or host:port/namespace", address)
	}
	return hostPort, namespace, nil
}

// KeysVariable names the environment variable from which commands read their
// keys, in the form of [ParseKeyring].
const KeysVariable = "ENGAGE_TEMPORAL_KEYS"

// LocalKeys gives the keys of commands: those of [KeysVariable], else those in
// a file of the user's configuration, for a starter and a worker on one
// machine. If create is set, a file that is not there is made, with a new key.
func LocalKeys(getenv func(string) string, create bool) (*Keyring, error) {
	if text := getenv(KeysVariable); text != "" {
		return ParseKeyring(text)
	}
	dir, err := os.UserConfigDir()
	if err != nil {
		return nil, fmt.Errorf("temporal: no keys: set %s", KeysVariable)
	}
	file := filepath.Join(dir, "engage", "temporal.keys")
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) && create {
		data, err = newKeysFile(file)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("temporal: no keys: set %s as the worker has it, or start a worker on this machine, which makes %s", KeysVariable, file)
	}
	if err != nil {
		return nil, fmt.Errorf("temporal: keys: %w", err)
	}
	return ParseKeyring(string(data))
}

// newKeysFile makes the file, or reads the one that somebody else made at the
// same time.
func newKeysFile(file string) ([]byte, error) {
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return nil, err
	}
	temp, err := os.CreateTemp(filepath.Dir(file), "keys-*") // mode 0600
	if err != nil {
		return nil, err
	}
	defer os.Remove(temp.Name())
	_, err = temp.WriteString(NewKey("local") + "\n")
	if err = errors.Join(err, temp.Close()); err != nil {
		return nil, err
	}
	if err := os.Link(temp.Name(), file); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	return os.ReadFile(file)
}

// DefaultTenant is the tenant of commands that are for one.
const DefaultTenant = "default"

// DialAddress is Dial for commands: with an address as [ParseAddress] reads it
// and keys as [LocalKeys] finds them, in place of those of the options.
func DialAddress(ctx context.Context, address string, getenv func(string) string, createKeys bool, o Options) (*Client, error) {
	hostPort, namespace, err := ParseAddress(address)
	if err != nil {
		return nil, err
	}
	if o.Keys, err = LocalKeys(getenv, createKeys); err != nil {
		return nil, err
	}
	o.Temporal.HostPort, o.Temporal.Namespace = hostPort, namespace
	return Dial(ctx, o)
}
