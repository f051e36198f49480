package cli

import (
	"strings"
	"testing"

	"github.com/andmoneyaps/engage-playbooks/dataverse/simulator"
)

func TestTheSimulatorsLogHoldsNoValues(t *testing.T) {
	got := withoutValues(simulator.Request{Path: "/api/data/v9.2/$batch", Parts: []simulator.Request{
		{Path: "/api/data/v9.2/contacts(emailaddress1='CANARY''s',new_code=CANARY)", Query: "$select=fullname&$filter=name%20eq%20'CANARY'&$expand=x($filter=a eq 'CANARY')&@p1='CANARY'&$top=2"},
		{Path: "/api/data/v9.2/contacts(11111111-1111-4111-8111-111111111111)/Contact_Tasks"},
	}})
	for _, p := range got.Parts {
		if strings.Contains(p.Path+p.Query, "CANARY") {
			t.Errorf("a value is in the log: %s %s", p.Path, p.Query)
		}
	}
	if p := got.Parts[0]; p.Path != "/api/data/v9.2/contacts(emailaddress1=…,new_code=…)" || p.Query != "$select=fullname&$filter=…&$expand=…&@p1=…&$top=2" {
		t.Errorf("%s ? %s", p.Path, p.Query)
	}
	if p := got.Parts[1].Path; !strings.HasSuffix(p, "(11111111-1111-4111-8111-111111111111)/Contact_Tasks") {
		t.Error(p)
	}
}
