package bench

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
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
	figures, err := r.latencies(ctx, p, "portal meeting", bookByHand)
	if err != nil {
		return nil, err
	}
	limited, err := r.limited(ctx, "portal meeting", portalMeetings, "portal-meeting-booked", "events/booked.json", bookByHand)
	return append(figures, limited), err
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
	appointment := idOf(ev, "appointment")
	return h.changeSet(ctx,
		operation{"POST", "appointments", row{
			"activityid": appointment, "subject": meeting["Title"], "location": meeting["Room"],
			"scheduledstart": start.UTC().Format(time.RFC3339), "scheduledend": end.UTC().Format(time.RFC3339),
			"regardingobjectid_contact_appointment@odata.bind": "/contacts(" + about + ")",
			"appointment_activity_parties":                     parties,
		}},
		operation{"POST", "annotations", row{
			"annotationid": idOf(ev, "note"), "subject": "Booked in the portal", "notetext": "Attendees: " + strings.Join(names, ", "),
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
