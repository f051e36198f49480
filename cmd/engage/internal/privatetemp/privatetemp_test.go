package privatetemp_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// A program that draws graphs leaves nothing in the shared temporary folder,
// and sees TMPDIR as it was.
func TestTheSharedTemporaryFolderIsNotUsed(t *testing.T) {
	dir := t.TempDir()
	shared, home := filepath.Join(dir, "shared"), filepath.Join(dir, "home")
	bin := filepath.Join(dir, "engage")
	for _, d := range []string{shared, home} {
		if err := os.Mkdir(d, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := exec.Command("go", "build", "-o", bin, "github.com/andmoneyaps/engage-playbooks/cmd/engage").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	run := exec.Command(bin, "--help")
	run.Env = []string{"HOME=" + home, "TMPDIR=" + shared, "PATH=" + os.Getenv("PATH")}
	if out, err := run.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if left, err := os.ReadDir(shared); err != nil || len(left) > 0 {
		t.Errorf("left in the shared folder: %v %v", left, err)
	}
	if _, err := os.Stat(filepath.Join(home, ".cache", "engage", "go-graphviz")); err != nil {
		t.Errorf("no cache of the user's own: %v", err)
	}
}
