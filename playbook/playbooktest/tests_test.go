package playbooktest_test

import (
	"os"
	"testing"

	"github.com/andmoneyaps/engage-playbooks/playbook/playbooktest"
)

func TestExamplesPassTheirPlaybookTests(t *testing.T) {
	for _, example := range []string{"portal-meeting", "customer-overview"} {
		t.Run(example, func(t *testing.T) { playbooktest.Run(t, os.DirFS("../../examples/"+example)) })
	}
}

func TestReportAndCoverage(t *testing.T) {
	w := load(t, "../../examples/portal-meeting")
	report, err := playbooktest.RunTests(t.Context(), w)
	if err != nil {
		t.Fatal(err)
	}
	if report.Failed() != 0 {
		t.Errorf("\n%s", report)
	}
	if len(report.Coverage) != 1 {
		t.Fatalf("%d playbooks covered", len(report.Coverage))
	}
	c := report.Coverage[0]
	if c.Blocks.Seen != c.Blocks.Of || c.Mappings.Seen != c.Mappings.Of || c.Branches.Of != 2 || c.Branches.Seen != 2 {
		t.Errorf("blocks %+v, mappings %+v, branches %+v", c.Blocks, c.Mappings, c.Branches)
	}
}
