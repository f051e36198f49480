package main_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A column that the bank renames is renamed in one definition; playbooks,
// patterns, events, seeds and tests stay as they are.
func TestARenamedColumn(t *testing.T) {
	const was, is = "fjord_segment", "fjord_customersegment"
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("../../examples/own-schema")); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "entities", "customer.yaml")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Count(string(text), was) != 1 {
		t.Fatalf("%s is not there once", was)
	}
	if err := os.WriteFile(file, []byte(strings.Replace(string(text), was, is, 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	if code, out, errs := engage(t, "validate", dir); code != 0 || out != "" {
		t.Fatalf("validate: exit %d\n%s%s", code, out, errs)
	}
	if code, out, errs := engage(t, "test", dir); code != 0 {
		t.Fatalf("test: exit %d\n%s%s", code, out, errs)
	}
	code, out, errs := engage(t, "run", dir, "--event", filepath.Join(dir, "events", "house.json"), "--json")
	if code != 0 || !strings.Contains(out, is) || strings.Contains(out, was) {
		t.Fatalf("run: exit %d\n%s%s", code, out, errs)
	}
}
