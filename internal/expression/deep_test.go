package expression

import (
	"strings"
	"testing"
	"time"
)

// TestDeepNesting: an expression of brackets alone ends with an error or a
// value, not with the process.
func TestDeepNesting(t *testing.T) {
	start := time.Now()
	for _, s := range []string{"(", "[", "{", "!", "-", "value[", "value.a?.b", "let x = "} {
		_, _ = Compile(strings.Repeat(s, maxSource/len(s)), testEnv())
	}
	_, _ = Compile(strings.Repeat("(", 30000)+"1"+strings.Repeat(")", 30000), testEnv())
	if d := time.Since(start); d > unbudgeted {
		t.Errorf("took %s", d)
	}
}
