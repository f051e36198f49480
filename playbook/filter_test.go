package playbook_test

import (
	"strings"
	"testing"

	"github.com/andmoneyaps/engage-playbooks/playbook"
)

const recent = `kind: Playbook
id: recent
blocks:
  - {name: Event, type: Trigger, trigger: PortalMeetings}
  - name: Recent
    type: EntityPatternFilter
    filter: {field: ScheduledStart, operator: GreaterThan}
    inputs: [INPUT]
  - name: Read meetings
    type: EntityPatternRead
    pattern: meetings
    inputs: [{from: Recent, map: [{source: output, destination: meeting}]}]
`

// A literal of a mapping means what a literal of the filter means; a value of
// an event is never syntax.
func TestGetDateAsAFiltersInput(t *testing.T) {
	for input, want := range map[string]playbook.Status{
		`{map: [{value: GetDate(-30), destination: value}]}`:                playbook.StatusSucceeded,
		`{from: Event, map: [{source: Meeting.Title, destination: value}]}`: playbook.StatusFailed,
	} {
		b := setUp(t, strings.Replace(recent, "INPUT", input, 1), map[string]string{
			"patterns/meetings.yaml": "kind: EntityPattern\nid: meetings\nparts: [{ref: meeting, entity: meeting, allowsMultiple: true}]\n",
		})
		ev := event(t, "booked.json")
		ev.Data.(map[string]any)["Meeting"].(map[string]any)["Title"] = "GetDate(-30)"
		r := b.plan(t, ev, want)
		if want == playbook.StatusFailed {
			continue
		}
		day := ev.Time.UTC().AddDate(0, 0, -30).Format("2006-01-02T15:04:05Z")
		if path := r.Blocks[2].Requests[0].Path; !strings.Contains(strings.ReplaceAll(path, "%3A", ":"), "scheduledstart%20gt%20"+day) {
			t.Errorf("no %s in %s", day, path)
		}
	}
}
