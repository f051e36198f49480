package temporal

import (
	"bytes"
	"compress/zlib"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"

	common "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"google.golang.org/protobuf/proto"
)

// Key is an AES-256 key with the name that stands beside what it encrypted.
type Key struct {
	ID     string
	Secret []byte
}

// Keyring encrypts with its first key and decrypts with each of them, so that
// keys can be changed while runs are open: a new key is added behind the first
// one everywhere, then comes first everywhere, and the old one goes when the
// histories that need it are gone.
type Keyring struct {
	first string
	seals map[string]cipher.AEAD
}

// ErrNoKey says that something was encrypted with a key that the process does
// not have.
var ErrNoKey = errors.New("no such key")

// NewKeyring makes a keyring; each secret has 32 bytes.
func NewKeyring(keys ...Key) (*Keyring, error) {
	if len(keys) == 0 {
		return nil, errors.New("temporal: a keyring needs at least one key")
	}
	k := &Keyring{first: keys[0].ID, seals: map[string]cipher.AEAD{}}
	for _, key := range keys {
		if key.ID == "" || strings.ContainsAny(key.ID, ": ,\n") || k.seals[key.ID] != nil {
			return nil, fmt.Errorf("temporal: key %q: keys have names of their own, without colon, comma and space", key.ID)
		}
		if len(key.Secret) != 32 {
			return nil, fmt.Errorf("temporal: key %q has %d bytes; AES-256 wants 32", key.ID, len(key.Secret))
		}
		block, err := aes.NewCipher(key.Secret)
		if err != nil {
			return nil, fmt.Errorf("temporal: key %q: %w", key.ID, err)
		}
		if k.seals[key.ID], err = cipher.NewGCM(block); err != nil {
			return nil, fmt.Errorf("temporal: key %q: %w", key.ID, err)
		}
	}
	return k, nil
}

// ParseKeyring reads "name:base64", one key after the other with commas or
// lines between. The first one encrypts.
func ParseKeyring(text string) (*Keyring, error) {
	var keys []Key
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(", \r\n\t", r) }) {
		id, secret, _ := strings.Cut(word, ":")
		raw, err := base64.StdEncoding.DecodeString(secret)
		if err != nil {
			return nil, fmt.Errorf("temporal: key %q: want name:base64 of 32 bytes", id)
		}
		keys = append(keys, Key{ID: id, Secret: raw})
	}
	return NewKeyring(keys...)
}

// NewKey gives a key of random bytes in the form that ParseKeyring reads.
func NewKey(id string) string {
	secret := make([]byte, 32)
	rand.Read(secret)
	return id + ":" + base64.StdEncoding.EncodeToString(secret)
}

// seal encrypts; what is beside says what for, and must be the same to open.
func (k *Keyring) seal(plain, beside []byte) (id string, sealed []byte) {
	aead := k.seals[k.first]
	nonce := make([]byte, aead.NonceSize(), aead.NonceSize()+len(plain)+aead.Overhead())
	rand.Read(nonce)
	return k.first, aead.Seal(nonce, nonce, plain, append([]byte(k.first+"\x00"), beside...))
}

// ErrSealed says that a key of the right name does not open what was encrypted.
var ErrSealed = errors.New("what was encrypted cannot be read")

func (k *Keyring) open(id string, sealed, beside []byte) ([]byte, error) {
	aead := k.seals[id]
	if aead == nil {
		return nil, fmt.Errorf("temporal: %w: it was encrypted with %q, which this process does not have", ErrNoKey, id)
	}
	if len(sealed) < aead.NonceSize() {
		return nil, fmt.Errorf("temporal: %w: it is cut short", ErrSealed)
	}
	plain, err := aead.Open(nil, sealed[:aead.NonceSize()], sealed[aead.NonceSize():], append([]byte(id+"\x00"), beside...))
	if err != nil {
		return nil, fmt.Errorf("temporal: %w: it was changed, or encrypted with another key %q", ErrSealed, id)
	}
	return plain, nil
}

const (
	encodingEncrypted = "binary/encrypted"
	metadataEncoding  = "encoding"
	metadataKey       = "encryption-key-id"
	// maxPlain bounds what a payload may unfold to.
	maxPlain = 64 << 20
)

var payloadContext = []byte("payload")

// Codec gives the codec that [Dial] puts around all payloads: compressed, then
// encrypted with AES-256-GCM. A codec server for Temporal's web interface can
// be made of it with converter.NewPayloadCodecHTTPHandler.
func (k *Keyring) Codec() converter.PayloadCodec { return codec{k} }

type codec struct{ keys *Keyring }

// Encode compresses and encrypts.
func (c codec) Encode(payloads []*common.Payload) ([]*common.Payload, error) {
	out := make([]*common.Payload, len(payloads))
	for i, p := range payloads {
		plain, err := proto.Marshal(p)
		if err != nil {
			return nil, err
		}
		var small bytes.Buffer
		z, _ := zlib.NewWriterLevel(&small, zlib.BestSpeed)
		if _, err := z.Write(plain); err != nil {
			return nil, err
		}
		if err := z.Close(); err != nil {
			return nil, err
		}
		id, sealed := c.keys.seal(small.Bytes(), payloadContext)
		out[i] = &common.Payload{Data: sealed, Metadata: map[string][]byte{
			metadataEncoding: []byte(encodingEncrypted), metadataKey: []byte(id),
		}}
	}
	return out, nil
}

// Decode decrypts; what was never encrypted is left as it is.
func (c codec) Decode(payloads []*common.Payload) ([]*common.Payload, error) {
	out := make([]*common.Payload, len(payloads))
	for i, p := range payloads {
		if string(p.GetMetadata()[metadataEncoding]) != encodingEncrypted {
			out[i] = p
			continue
		}
		small, err := c.keys.open(string(p.GetMetadata()[metadataKey]), p.GetData(), payloadContext)
		if err != nil {
			return nil, err
		}
		z, err := zlib.NewReader(bytes.NewReader(small))
		if err != nil {
			return nil, err
		}
		plain, err := io.ReadAll(io.LimitReader(z, maxPlain))
		if err != nil {
			return nil, err
		}
		out[i] = &common.Payload{}
		if err := proto.Unmarshal(plain, out[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}
