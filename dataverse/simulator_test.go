package dataverse_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/andmoneyaps/engage-playbooks/dataverse"
	"github.com/andmoneyaps/engage-playbooks/dataverse/simulator"
)

// simulated gives a simulator without socket, so that it runs in a bubble of
// synctest, and its administrator's client.
func simulated(t testing.TB, opts *dataverse.Options) (*simulator.Server, *dataverse.Client) {
	s := simulator.NewServer(nil, &simulator.Options{NoListener: true})
	t.Cleanup(s.Close)
	o := dataverse.Options{}
	if opts != nil {
		o = *opts
	}
	if o.HTTP == nil {
		o.HTTP = s.Client().Transport
	}
	c, err := dataverse.New("http://localhost", &administrator{server: s}, &o)
	if err != nil {
		t.Fatal(err)
	}
	return s, c
}

func TestTablesOfTheSimulator(t *testing.T) {
	s, c := simulated(t, nil)
	tables, err := c.Tables(t.Context(), "contact", "account", "appointment", "annotation", "systemuser")
	if err != nil {
		t.Fatal(err)
	}
	if n := len(s.Requests()); n != 1 {
		t.Errorf("%d requests for five tables", n)
	}
	contact, appointment := tables[0], tables[2]
	if contact.EntitySet != "contacts" || contact.PrimaryID != "contactid" || contact.PrimaryName != "fullname" || !contact.BulkMessages || contact.IsActivity || !appointment.IsActivity {
		t.Errorf("%+v", contact)
	}
	column := func(table *dataverse.Table, name string) *dataverse.Column {
		c, ok := table.Column(name)
		if !ok {
			t.Fatalf("no column %s", name)
		}
		return c
	}
	if c := column(contact, "lastname"); c.MaxLength != 50 || c.Type != "String" || c.Required != "ApplicationRequired" || !c.Creatable {
		t.Errorf("%+v", c)
	}
	if c := column(contact, "familystatuscode"); len(c.Choices) != 4 || c.Choices[1].Value != 2 || c.Choices[1].Label != "Married" {
		t.Errorf("%+v", c)
	}
	if c := column(contact, "donotemail"); len(c.Choices) != 2 || c.Choices[0].Value != 0 || c.Choices[1].Value != 1 || c.Choices[1].Label == "" {
		t.Errorf("donotemail: %+v", c.Choices)
	}
	if c := column(contact, "statuscode"); len(c.Choices) != 2 || c.Choices[1].State != 1 {
		t.Errorf("%+v", c)
	}
	if c := column(contact, "birthdate"); !c.DateOnly {
		t.Errorf("%+v", c)
	}
	targets := map[string]string{}
	for _, l := range column(contact, "parentcustomerid").Lookups {
		targets[l.Target] = l.Navigation
	}
	if targets["account"] != "parentcustomerid_account" || targets["contact"] != "parentcustomerid_contact" {
		t.Errorf("%v", targets)
	}
	if c := column(contact, "ownerid"); len(c.Lookups) != 2 || c.Lookups[0].Navigation != "ownerid" {
		t.Errorf("%+v", c)
	}
	if c := column(appointment, "requiredattendees"); c.Type != "PartyList" {
		t.Errorf("%+v", c)
	}
	if _, err := c.Table(t.Context(), "nonesuch"); !errors.Is(err, dataverse.ErrNotFound) {
		t.Errorf("unknown table: %v", err)
	}
}

// administrator is a source of tokens that renews what was refused.
type administrator struct {
	server *simulator.Server
	mu     sync.Mutex
	token  string
}

func (a *administrator) Token(context.Context) (string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.token == "" {
		a.token = a.server.Entra.Bearer(simulator.AdministratorEmail)
	}
	return a.token, nil
}

func (a *administrator) Renew(ctx context.Context, rejected, _ string) (string, error) {
	a.mu.Lock()
	if a.token == rejected {
		a.token = ""
	}
	a.mu.Unlock()
	return a.Token(ctx)
}
