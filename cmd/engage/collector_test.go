package main_test

import (
	"runtime/metrics"
	"strings"
	"testing"

	"github.com/andmoneyaps/engage-playbooks/cmd/engage/internal/cli"
)

// collects is how much garbage there is before the process collects, in percent.
func collects() uint64 {
	samples := []metrics.Sample{{Name: "/gc/gogc:percent"}}
	metrics.Read(samples)
	return samples[0].Value.Uint64()
}

type whileWriting func()

func (w whileWriting) Write(p []byte) (int, error) { w(); return len(p), nil }

// A command changes nothing that belongs to the whole process, which may run
// others beside it: it tells the process that it ends soon.
func TestCommandsLeaveTheCollectorToTheProcess(t *testing.T) {
	const dir = "../../examples/portal-meeting"
	before := collects()
	for _, tt := range []struct {
		args string
		told int
	}{
		{"validate " + dir + " --json", 1},
		{"plan " + dir + " --playbook portal-meeting-booked --event " + dir + "/events/booked.json --json", 1},
		{"run " + dir + " --event " + dir + "/events/booked.json --json", 0},
	} {
		var told, written int
		c := cli.Command{Args: strings.Fields(tt.args), Stderr: t.Output(), EndsSoon: func() { told++ }, Stdout: whileWriting(func() {
			written++
			if got := collects(); got != before {
				t.Errorf("%s: the collector waits for %d%%, before for %d%%", tt.args, got, before)
			}
		})}
		if code := c.Main(t.Context()); code != cli.ExitDone || written == 0 || told != tt.told {
			t.Errorf("%s: exit %d, written %d times, told %d times that it ends soon", tt.args, code, written, told)
		}
	}
}
