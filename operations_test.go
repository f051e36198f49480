package engage_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// docs/operations.md says what to do for each code of the service that the
// client tells apart, and names no rule that is not there.
func TestOperationsKnowsTheCodes(t *testing.T) {
	page, err := os.ReadFile("docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile("dataverse/error.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`(Code\w+) *= "(0x[0-9a-f]+)"`).FindAllStringSubmatch(string(source), -1) {
		if !strings.Contains(string(page), "`"+m[2]+"`") {
			t.Errorf("docs/operations.md does not say what to do about %s (%s)", m[2], m[1])
		}
	}
	for _, m := range regexp.MustCompile(`(?m)^\t(Err\w+) = errors.New`).FindAllStringSubmatch(string(source), -1) {
		if !strings.Contains(string(page), "`dataverse."+m[1]+"`") {
			t.Errorf("docs/operations.md does not say what to do about dataverse.%s", m[1])
		}
	}
	rules := ruleCodes(t)
	_, table, _ := strings.Cut(string(page), "## When a run fails")
	table, _, _ = strings.Cut(table, "\n## ")
	for line := range strings.Lines(table) {
		if !strings.HasPrefix(line, "| `") {
			continue
		}
		first, _, _ := strings.Cut(line[2:], " | ")
		for _, m := range regexp.MustCompile("`([a-z][a-z-]+)`").FindAllStringSubmatch(first, -1) {
			if rules[m[1]] == "" {
				t.Errorf("docs/operations.md explains %q, which no rule is called", m[1])
			}
		}
	}
}
