package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/andmoneyaps/engage-playbooks/playbook"
)

const overviews = "examples/customer-overview"

func (r *Runner) customerOverview(ctx context.Context) ([]Figure, error) {
	p, err := r.newPlay(ctx, overviews, "customer-overview", "events/overview.json")
	if err != nil {
		return nil, err
	}
	defer p.service.stop()
	figures, err := r.latencies(ctx, p, "customer overview", overviewByHand)
	if err != nil {
		return nil, err
	}
	engine, err := p.engine(newRoad(0))
	if err != nil {
		return nil, err
	}
	result, err := engine.Run(ctx, p.playbook, p.event)
	if err != nil {
		return nil, err
	}
	limited, err := r.limited(ctx, "customer overview", overviews, "customer-overview", "events/overview.json", overviewByHand)
	if err != nil {
		return nil, err
	}
	// The organisation, its advisor, the note.
	return append(figures, limited, Figure{Name: "customer overview: dependent rounds", Goal: atMost(3), Value: float64(result.Stats.RoundTrips), Note: "the depth of its data flow is 3"}), nil
}

// summary and proposal stand for the assistants, which are stubs in the example.
type summary struct {
	Summary string
	Actions []string
}

func summarise(subject string, records []row, columns ...string) (summary, error) {
	picked := make([]row, len(records))
	for i, r := range records {
		picked[i] = row{}
		for _, c := range columns {
			picked[i][c] = r[c]
		}
	}
	if _, err := json.Marshal(row{"subject": subject, "records": picked}); err != nil {
		return summary{}, err
	}
	return summary{"Nothing out of the ordinary.", []string{"Call the customer"}}, nil
}

// overviewByHand is examples/customer-overview as a Go program: ten reads at
// once, the advisor when the organisation is there, then the note.
func overviewByHand(ctx context.Context, h *hand, ev *playbook.Event) error {
	id := ev.Data.(map[string]any)["AccountId"].(string)
	ago := func(days int) string { return ev.Time.AddDate(0, 0, -days).UTC().Format(time.RFC3339) }
	const accounts = "accounts?$select=accountid,name,industrycode,revenue,numberofemployees,_ownerid_value&$filter=accountid%20eq%20"
	var organisation, advisor, people, meetings, tasks, emails, opportunities, cases, notes, again, more []row
	read := func(into *[]row, path string) func() error {
		return func() (err error) {
			*into, err = h.rows(ctx, path)
			return err
		}
	}
	err := together(
		func() (err error) {
			if organisation, err = h.rows(ctx, accounts+id+"&$orderby=accountid%20asc"); err != nil {
				return err
			}
			if len(organisation) != 1 {
				return errors.New("no organisation")
			}
			owner, _ := organisation[0]["_ownerid_value"].(string)
			advisor, err = h.rows(ctx, "systemusers?$select=systemuserid,fullname,internalemailaddress&$filter=systemuserid%20eq%20"+owner+"&$orderby=systemuserid%20asc")
			return err
		},
		read(&again, accounts+id+"&$orderby=accountid%20asc"),
		read(&more, accounts+id+"&$orderby=accountid%20asc"),
		read(&people, "contacts?$select=contactid,fullname,jobtitle,emailaddress1,_parentcustomerid_value&$filter=_parentcustomerid_value%20eq%20"+id+"&$orderby=fullname%20asc,contactid%20asc&$top=50"),
		read(&meetings, "appointments?$select=activityid,subject,scheduledstart,_regardingobjectid_value&$filter=scheduledstart%20ge%20"+ago(180)+"%20and%20_regardingobjectid_value%20eq%20"+id+"&$orderby=scheduledstart%20desc,activityid%20asc&$top=20"),
		read(&tasks, "tasks?$select=activityid,subject,scheduledend,statecode,_regardingobjectid_value&$filter=_regardingobjectid_value%20eq%20"+id+"%20and%20statecode%20eq%200&$orderby=scheduledend%20asc,activityid%20asc&$top=20"),
		read(&emails, "emails?$select=activityid,subject,createdon,_regardingobjectid_value&$filter=_regardingobjectid_value%20eq%20"+id+"&$orderby=createdon%20desc,activityid%20asc&$top=20"),
		read(&opportunities, "opportunities?$select=opportunityid,name,estimatedvalue,statecode,_customerid_value&$filter=statecode%20eq%200%20and%20_customerid_value%20eq%20"+id+"&$orderby=estimatedvalue%20desc,opportunityid%20asc&$top=20"),
		read(&cases, "incidents?$select=incidentid,title,prioritycode,statecode,_customerid_value&$filter=statecode%20eq%200%20and%20_customerid_value%20eq%20"+id+"&$orderby=prioritycode%20asc,incidentid%20asc&$top=20"),
		read(&notes, "annotations?$select=annotationid,subject,notetext,createdon,_objectid_value&$filter=createdon%20gt%20"+ago(365)+"%20and%20_objectid_value%20eq%20"+id+"&$orderby=createdon%20desc,annotationid%20asc&$top=20"),
	)
	if err != nil {
		return err
	}
	var told [4]summary
	for i, ask := range []struct {
		subject string
		records []row
		columns []string
	}{
		{"meetings", meetings, []string{"subject", "scheduledstart"}}, {"cases", cases, []string{"title", "prioritycode"}},
		{"opportunities", opportunities, []string{"name", "estimatedvalue"}}, {"notes", notes, []string{"subject", "notetext"}},
	} {
		if told[i], err = summarise(ask.subject, ask.records, ask.columns...); err != nil {
			return err
		}
	}
	name, _ := organisation[0]["name"].(string)
	var text strings.Builder
	fmt.Fprintf(&text, "Overview of %s", name)
	if len(advisor) > 0 {
		fmt.Fprintf(&text, ", advised by %s", advisor[0]["fullname"])
	}
	text.WriteString("\n\nPeople:")
	for _, p := range people {
		fmt.Fprintf(&text, "\n- %s", p["fullname"])
		if p["jobtitle"] != nil {
			fmt.Fprintf(&text, ", %s", p["jobtitle"])
		}
	}
	fmt.Fprintf(&text, "\n\nMeetings: %s\nCases: %s\nOpportunities: %s\nNotes: %s\n\n", told[0].Summary, told[1].Summary, told[2].Summary, told[3].Summary)
	fmt.Fprintf(&text, "Tasks open: %d. E-mails seen: %d.\nNext step: Offer a review of the financing.\n", len(tasks), len(emails))
	return h.write(ctx, "POST", "annotations", row{
		"annotationid": idOf(ev, "note"), "subject": "Overview of " + name, "notetext": text.String(),
		"objectid_account@odata.bind": "/accounts(" + id + ")",
	})
}
