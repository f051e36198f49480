package playbook

import (
	"os"
	"testing"
)

func TestLoadExample(t *testing.T) {
	w, err := Load(os.DirFS("../examples/portal-meeting"))
	if err != nil {
		t.Fatalf("\n%s", err)
	}
	if len(w.Playbooks()) == 0 {
		t.Error("no playbook")
	}
}
