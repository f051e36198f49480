package temporal

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/andmoneyaps/engage-playbooks/playbook"
)

// Vault keeps the assertion of an employee while a run is open: only the text
// that Keep gives reaches Temporal. [Sealed] puts the assertion there itself,
// encrypted; [Folder] and an embedder's own vault put a reference there.
type Vault interface {
	// Keep gives the text that stands for the assertion.
	Keep(ctx context.Context, of Holder, assertion string) (text string, err error)
	// Open gives the assertion back. [ErrForgotten]: it is not there any more.
	Open(ctx context.Context, of Holder, text string) (assertion string, err error)
	// Forget drops what is kept for the text; the run has ended.
	Forget(ctx context.Context, of Holder, text string) error
}

// Holder says which run an assertion is kept for: it is of no use for another.
type Holder struct {
	Tenant, Playbook, Event string
}

func (h Holder) bytes() []byte {
	data, err := json.Marshal([]string{"assertion", h.Tenant, h.Playbook, h.Event})
	if err != nil {
		panic(err) // texts
	}
	return data
}

// ErrForgotten says that a vault does not have the assertion any more. The run
// then waits for the employee to sign in again.
var ErrForgotten = errors.New("the assertion is not kept any more")

// Sealed is a vault without a store: the text is the assertion itself,
// encrypted with AES-256-GCM under the keyring, for the one run. It stays in
// Temporal's history, unreadable without the key, until the history is deleted.
func Sealed(keys *Keyring) Vault { return sealed{keys} }

type sealed struct{ keys *Keyring }

const sealedPrefix = "sealed:"

func (v sealed) Keep(_ context.Context, of Holder, assertion string) (string, error) {
	id, data := v.keys.seal([]byte(assertion), of.bytes())
	return sealedPrefix + id + ":" + base64.RawURLEncoding.EncodeToString(data), nil
}

func (v sealed) Open(_ context.Context, of Holder, text string) (string, error) {
	rest, ok := strings.CutPrefix(text, sealedPrefix)
	id, encoded, ok2 := strings.Cut(rest, ":")
	data, err := base64.RawURLEncoding.DecodeString(encoded)
	if !ok || !ok2 || err != nil {
		return "", errors.New("temporal: what stands for the assertion was not sealed by this kind of vault")
	}
	plain, err := v.keys.open(id, data, of.bytes())
	return string(plain), err
}

func (v sealed) Forget(context.Context, Holder, string) error { return nil }

// Folder is a vault whose texts are references: each assertion is a file of
// its own in the folder, encrypted under the keyring, and deleted when its run
// ends. Starters and workers share the folder.
func Folder(dir string, keys *Keyring) (Vault, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("temporal: the vault's folder: %w", err)
	}
	return folder{dir, sealed{keys}}, nil
}

type folder struct {
	dir string
	sealed
}

const folderPrefix = "kept:"

func (v folder) Keep(ctx context.Context, of Holder, assertion string) (string, error) {
	text, err := v.sealed.Keep(ctx, of, assertion)
	if err != nil {
		return "", err
	}
	var random [16]byte
	rand.Read(random[:])
	name := hex.EncodeToString(random[:])
	if err := os.WriteFile(filepath.Join(v.dir, name), []byte(text), 0o600); err != nil {
		return "", fmt.Errorf("temporal: keep the assertion: %w", err)
	}
	return folderPrefix + name, nil
}

// file gives the file of a text; a text is not trusted to be a name.
func (v folder) file(text string) (string, error) {
	name, ok := strings.CutPrefix(text, folderPrefix)
	if raw, err := hex.DecodeString(name); !ok || err != nil || len(raw) != 16 {
		return "", errors.New("temporal: what stands for the assertion is no reference into this vault")
	}
	return filepath.Join(v.dir, name), nil
}

func (v folder) Open(ctx context.Context, of Holder, text string) (string, error) {
	file, err := v.file(text)
	if err != nil {
		return "", err
	}
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return "", ErrForgotten
	}
	if err != nil {
		return "", fmt.Errorf("temporal: open the assertion: %w", err)
	}
	return v.sealed.Open(ctx, of, string(data))
}

func (v folder) Forget(_ context.Context, _ Holder, text string) error {
	file, err := v.file(text)
	if err != nil {
		return err
	}
	if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("temporal: forget the assertion: %w", err)
	}
	return nil
}

// Person is who an employee is in Entra.
type Person struct {
	TenantID string `json:"tid"`
	ObjectID string `json:"oid"`
}

// personOf is whose an assertion says it is. The signature is not looked at:
// the engine verifies an assertion before it is used, and this only asks
// whether two are of the same employee.
func personOf(assertion string) (Person, bool) {
	parts := strings.Split(assertion, ".")
	if len(parts) != 3 {
		return Person{}, false
	}
	data, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return Person{}, false
	}
	var p Person
	if json.Unmarshal(data, &p) != nil || p.TenantID == "" || p.ObjectID == "" {
		return Person{}, false
	}
	return p, true
}

func (p Person) is(other Person) bool {
	return p.ObjectID != "" && strings.EqualFold(p.TenantID, other.TenantID) && strings.EqualFold(p.ObjectID, other.ObjectID)
}

// codeSignIn is the code of a block that failed because the employee must sign
// in again: auth's SignInRequired, and that of an embedder's own token source
// whose error has the method Problem.
const codeSignIn = "sign-in-required"

func needsSignIn(o *playbook.Outcome) bool {
	return o != nil && o.Error != nil && o.Error.Code == codeSignIn
}
