package bench

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/andmoneyaps/engage-playbooks/playbook"
)

const portalMeetings = "examples/portal-meeting"

func (r *Runner) portalMeeting(ctx context.Context) ([]Figure, error) {
	p, err := r.newPlay(ctx, portalMeetings, "portal-meeting-booked", "events/booked.json")
	if err != nil {
		return nil, err
	}
	defer p.service.stop()
	return r.latencies(ctx, p, "portal meeting", bookByHand)
}

// bookByHand is examples/portal-meeting as a Go program: four reads at once,
// then the appointment, its parties and its note in one change set.
func bookByHand(ctx context.Context, h *hand, ev *playbook.Event) error {
	meeting := ev.Data.(map[string]any)["Meeting"].(map[string]any)
	owner := meeting["MeetingOwner"].(map[string]any)["Email"].(string)
	var names, emails, advisorEmails []string
	for _, a := range meeting["ExternalAttendees"].([]any) {
		names = append(names, a.(map[string]any)["Name"].(string))
		emails = append(emails, a.(map[string]any)["Email"].(string))
	}
	for _, a := range meeting["AdditionalAdvisors"].([]any) {
		advisorEmails = append(advisorEmails, a.(map[string]any)["Email"].(string))
	}
	var advisor, customer, guests, advisors []row
	read := func(into *[]row, path string) func() error {
		return func() (err error) {
			*into, err = h.rows(ctx, path)
			return err
		}
	}
	err := together(
		read(&advisor, "systemusers?$select=systemuserid,fullname,internalemailaddress,_businessunitid_value,domainname&$filter="+equals("internalemailaddress", owner)+"&$orderby=systemuserid%20asc"),
		read(&customer, "contacts?$select=contactid,firstname,lastname,emailaddress1,telephone1,_parentcustomerid_value&$filter="+equals("emailaddress1", emails[0])+"&$expand=parentcustomerid_account($select=accountid,name,_primarycontactid_value,address1_line1)&$orderby=contactid%20asc"),
		read(&guests, "contacts?$select=contactid,emailaddress1&$filter="+in("emailaddress1", emails)+"&$orderby=contactid%20asc"),
		read(&advisors, "systemusers?$select=systemuserid,internalemailaddress&$filter="+in("internalemailaddress", advisorEmails)+"&$orderby=systemuserid%20asc"),
	)
	if err != nil {
		return err
	}
	if len(advisor) != 1 || len(customer) != 1 {
		return errors.New("no advisor, or no customer")
	}
	party := func(role int, table, set, id string) row {
		return row{"participationtypemask": role, "partyid_" + table + "@odata.bind": "/" + set + "(" + id + ")"}
	}
	about := customer[0]["contactid"].(string)
	parties := []row{party(7, "systemuser", "systemusers", advisor[0]["systemuserid"].(string))}
	for _, g := range guests {
		parties = append(parties, party(5, "contact", "contacts", g["contactid"].(string)))
	}
	for _, a := range advisors {
		parties = append(parties, party(5, "systemuser", "systemusers", a["systemuserid"].(string)))
	}
	start, err := time.Parse(time.RFC3339, meeting["StartDate"].(string))
	if err != nil {
		return err
	}
	end, err := time.Parse(time.RFC3339, meeting["EndDate"].(string))
	if err != nil {
		return err
	}
	appointment := newID()
	return h.changeSet(ctx,
		operation{"POST", "appointments", row{
			"activityid": appointment, "subject": meeting["Title"], "location": meeting["Room"],
			"scheduledstart": start.UTC().Format(time.RFC3339), "scheduledend": end.UTC().Format(time.RFC3339),
			"regardingobjectid_contact_appointment@odata.bind": "/contacts(" + about + ")",
			"appointment_activity_parties":                     parties,
		}},
		operation{"POST", "annotations", row{
			"annotationid": newID(), "subject": "Booked in the portal", "notetext": "Attendees: " + strings.Join(names, ", "),
			"objectid_appointment@odata.bind": "/appointments(" + appointment + ")",
		}},
	)
}

func equals(column, text string) string {
	return column + "%20eq%20'" + url.QueryEscape(strings.ReplaceAll(text, "'", "''")) + "'"
}

func in(column string, texts []string) string {
	quoted := make([]string, len(texts))
	for i, t := range texts {
		quoted[i] = fmt.Sprintf("%q", t)
	}
	return "Microsoft.Dynamics.CRM.In(PropertyName='" + column + "',PropertyValues=" + url.QueryEscape("["+strings.Join(quoted, ",")+"]") + ")"
}

// concurrentRuns books many meetings at once in one process.
func (r *Runner) concurrentRuns(ctx context.Context) ([]Figure, error) {
	p, err := r.newPlay(ctx, portalMeetings, "portal-meeting-booked", "events/booked.json")
	if err != nil {
		return nil, err
	}
	defer p.service.stop()
	const n = 1000
	s, ours, byhand, err := p.pair(ctx, 0, bookByHand)
	if err != nil {
		return nil, err
	}
	if err := sameRequests(s, ours, byhand); err != nil {
		return nil, err
	}
	atOnce := func(one func(i int) error) func(int) error {
		return func(round int) error {
			var wg sync.WaitGroup
			errs := make([]error, n)
			for i := range n {
				wg.Go(func() { errs[i] = one(round*n + i) })
			}
			wg.Wait()
			return errors.Join(errs...)
		}
	}
	all := sides{ours: atOnce(s.ours), hand: atOnce(s.hand)}
	c, err := compare(all, r.pick(5, 9), 1)
	if err != nil {
		return nil, err
	}
	name := fmt.Sprintf("%d portal meetings at once", n)
	var held []float64
	for i := range 3 {
		bytes, err := peak(func() error { return all.ours(100 + i) })
		if err != nil {
			return nil, err
		}
		held = append(held, float64(bytes)/n/1024)
	}
	memory := Figure{Name: name + ": peak memory a run", Goal: atMost(64), Unit: "KiB"}
	memory.Value, memory.Noise = median(held)
	return []Figure{c.figure(name, atLeast(0.8), "throughput"), c.figure(name, atMost(1.3), "CPU"), c.figure(name, atMost(1.5), "allocations"), memory}, nil
}
