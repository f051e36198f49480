package playbook

import (
	"strings"
	"testing"
)

func TestWhoMayActAsWhom(t *testing.T) {
	for kind, want := range map[ActorKind]bool{
		ActorEmployee: true, ActorCustomer: false, ActorCitizen: false, ActorSystem: false, ActorPlatform: false, "robot": false,
	} {
		ok, reason := kind.MayActAs(IdentityEmployee)
		if ok != want || reason == "" {
			t.Errorf("%s as employee: %v %q, want %v and a reason", kind, ok, reason, want)
		}
		if ok, _ := kind.MayActAs(IdentityApplication); ok != (kind != "robot") && kind != "robot" {
			t.Errorf("%s as application: %v", kind, ok)
		}
	}
	for _, kind := range ActorKinds {
		if _, ok := identities[kind]; !ok {
			t.Errorf("the table lacks %s", kind)
		}
	}
}

func TestRefuse(t *testing.T) {
	p := &Playbook{
		ID: "p", Trigger: &Trigger{},
		Blocks: []*Block{
			{Name: "Event", Type: BlockTrigger},
			{Name: "Note", Type: BlockTemplate, Index: 1},
			{Name: "Read", Type: BlockRead, Identity: IdentityApplication, Index: 2},
			{Name: "Write", Type: BlockCreate, Identity: IdentityEmployee, Index: 3},
		},
	}
	citizen := &Event{Actor: &Actor{Kind: ActorCitizen}}
	if e := p.refuse(citizen); e == nil || e.Block != "Write" || !strings.Contains(e.Message, "MitID") {
		t.Errorf("a citizen: %v; want the block that needs an employee, and why", e)
	}
	if e := p.refuse(&Event{Actor: &Actor{Kind: ActorEmployee}}); e != nil {
		t.Errorf("an employee: %v", e)
	}
	if e := p.refuse(&Event{}); e != nil {
		t.Errorf("nobody: %v", e)
	}
	p.Trigger.Actors = []ActorKind{ActorEmployee, ActorSystem}
	if e := p.refuse(citizen); e == nil || e.Code != "actor-not-named" || e.Block != "Event" {
		t.Errorf("an actor that is not named: %v", e)
	}
}

func TestAllowRulesAreExact(t *testing.T) {
	allow := AllowRules("p/Create meeting")
	for rule, want := range map[string]bool{"p/Create meeting": true, "p/create meeting": false, "p/*": false, "": false, "P/Create meeting": false} {
		if got := allow(Escalation{Rule: rule}) == nil; got != want {
			t.Errorf("%q: %v, want %v", rule, got, want)
		}
	}
}
