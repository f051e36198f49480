package main_test

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/andmoneyaps/engage-playbooks/cmd/engage/internal/cli"
)

// Files that are cut short, removed and written again while commands read them:
// each ends with what it found, as done or as documents that are wrong, and
// names the file that it tripped over.
func TestFilesThatChangeWhileTheyAreRead(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "bank")
	if code, _, errs := engage(t, "init", dir); code != 0 {
		t.Fatal(errs)
	}
	event := filepath.Join(t.TempDir(), "event.json")
	whole, err := os.ReadFile(filepath.Join(dir, "events", "booked.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(event, whole, 0o644); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "playbooks", "note-meeting.yaml")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(dir, "tests")); err != nil {
		t.Fatal(err)
	}

	done := make(chan struct{})
	var changing sync.WaitGroup
	changing.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-done:
				return
			default:
			}
			switch i % 4 {
			case 0:
				_ = os.Truncate(file, int64(len(text)/2))
			case 1:
				_ = os.Remove(file)
			default:
				_ = os.WriteFile(file, text, 0o644)
			}
		}
	})
	for range 20 {
		for _, args := range [][]string{
			{"validate", dir, "--source"},
			{"plan", dir, "--playbook", "note-meeting", "--event", event},
			{"run", dir, "--event", event},
		} {
			code, out, errs := engage(t, args...)
			told := out + errs
			if code != cli.ExitDone && (code != cli.ExitUsage || !strings.Contains(told, "note-meeting")) || strings.Contains(told, "goroutine") {
				t.Errorf("%s: exit %d\n%s", args[0], code, told)
			}
		}
	}
	close(done)
	changing.Wait()
	if err := os.WriteFile(file, text, 0o644); err != nil {
		t.Fatal(err)
	}
	if code, out, errs := engage(t, "run", dir, "--event", event); code != cli.ExitDone {
		t.Errorf("afterwards: exit %d\n%s%s", code, out, errs)
	}
}
