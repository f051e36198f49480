package temporal

import (
	"bytes"
	"encoding/base64"
	"errors"
	"os"
	"strings"
	"testing"

	"go.temporal.io/sdk/converter"
)

func ring(t *testing.T, ids ...string) *Keyring {
	t.Helper()
	var keys []Key
	for _, id := range ids {
		keys = append(keys, Key{id, bytes.Repeat([]byte(id), 32)[:32]})
	}
	k, err := NewKeyring(keys...)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// What one keyring wrote each that has its key reads, whatever key comes first
// there; nobody else does, and nothing of it is in the clear.
func TestCodec(t *testing.T) {
	over := func(k *Keyring) converter.DataConverter {
		return converter.NewCodecDataConverter(converter.GetDefaultDataConverter(), k.Codec())
	}
	value := strings.Repeat("anna.lindqvist ", 1000)
	p, err := over(ring(t, "a")).ToPayload(value)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(p.GetData(), []byte("lindqvist")) || len(p.GetData()) > 1000 {
		t.Errorf("%d bytes, in the clear or not compressed", len(p.GetData()))
	}
	for name, c := range map[string]struct {
		keys *Keyring
		ok   bool
	}{"same": {ring(t, "a"), true}, "rotated": {ring(t, "b", "a"), true}, "other": {ring(t, "b"), false}} {
		var got string
		err := over(c.keys).FromPayload(p, &got)
		if (err == nil) != c.ok || c.ok && got != value {
			t.Errorf("%s: %v", name, err)
		}
		if !c.ok && !errors.Is(err, ErrNoKey) {
			t.Errorf("%s: %v; want ErrNoKey", name, err)
		}
	}
	p.Data[len(p.Data)-1] ^= 1
	if err := over(ring(t, "a")).FromPayload(p, new(string)); err == nil || !strings.Contains(err.Error(), "was changed") {
		t.Errorf("what was changed: %v", err)
	}
	plain, err := converter.GetDefaultDataConverter().ToPayload("x")
	if err != nil {
		t.Fatal(err)
	}
	var got string
	if err := over(ring(t, "a")).FromPayload(plain, &got); err != nil || got != "x" {
		t.Errorf("what was never encrypted: %q, %v", got, err)
	}
}

func TestKeyrings(t *testing.T) {
	if _, err := ParseKeyring(NewKey("b") + "," + NewKey("a") + "\n"); err != nil {
		t.Error(err)
	}
	for _, text := range []string{"", "a", "a:AAAA", "a:*", NewKey("a") + "," + NewKey("a"), ":" + base64.StdEncoding.EncodeToString(make([]byte, 32))} {
		if _, err := ParseKeyring(text); err == nil {
			t.Errorf("%q is taken", text)
		} else if strings.Contains(err.Error(), "AAAA") {
			t.Errorf("the secret is in the error: %v", err)
		}
	}
}

func TestVaults(t *testing.T) {
	dir := t.TempDir()
	folder, err := Folder(dir, ring(t, "a"))
	if err != nil {
		t.Fatal(err)
	}
	of := Holder{"contoso", "book", "e1"}
	for name, v := range map[string]Vault{"sealed": Sealed(ring(t, "a")), "folder": folder} {
		text, err := v.Keep(t.Context(), of, "eyJ.secret.sig")
		if err != nil || strings.Contains(text, "secret") {
			t.Fatalf("%s: %q, %v", name, text, err)
		}
		if got, err := v.Open(t.Context(), of, text); err != nil || got != "eyJ.secret.sig" {
			t.Errorf("%s: %q, %v", name, got, err)
		}
		for _, other := range []Holder{{"fabrikam", "book", "e1"}, {"contoso", "book", "e2"}, {"contoso", "other", "e1"}} {
			if got, err := v.Open(t.Context(), other, text); err == nil || got != "" {
				t.Errorf("%s: opens for %v", name, other)
			}
		}
		for _, wrong := range []string{"", "eyJ.secret.sig", "sealed:a:AAAA", "kept:../../etc/passwd", "kept:00"} {
			if got, err := v.Open(t.Context(), of, wrong); err == nil || got != "" {
				t.Errorf("%s: opens %q", name, wrong)
			}
		}
		if err := v.Forget(t.Context(), of, text); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := v.Forget(t.Context(), of, text); err != nil {
			t.Errorf("%s, a second time: %v", name, err)
		}
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("%d files are left", len(left))
	}
}

func TestSameEmployee(t *testing.T) {
	jwt := func(claims string) string {
		return "h." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".s"
	}
	mette, ok := personOf(jwt(`{"tid":"T1","oid":"O1"}`))
	if !ok {
		t.Fatal("no person")
	}
	for claims, same := range map[string]bool{
		`{"tid":"t1","oid":"o1","x":1}`: true, `{"tid":"t1","oid":"o2"}`: false, `{"tid":"t2","oid":"o1"}`: false, `{"tid":"t1"}`: false, `{}`: false, `x`: false,
	} {
		p, ok := personOf(jwt(claims))
		if (ok && p.is(mette)) != same {
			t.Errorf("%s: %v", claims, p)
		}
	}
	if (Person{}).is(Person{}) {
		t.Error("nobody is somebody")
	}
}

func TestWorkflowID(t *testing.T) {
	if got := WorkflowID("a/b", "book", "e 1"); got != "engage/a%2Fb/book/e%201" {
		t.Error(got)
	}
	long := strings.Repeat("x", 300)
	if a, b := WorkflowID("t", "p", long), WorkflowID("t", "p", long+"y"); len(a) > maxWorkflowID || a == b {
		t.Error(a, b)
	}
}
