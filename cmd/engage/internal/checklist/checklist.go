package checklist

import (
	"context"
	"errors"
	"fmt"

	"github.com/andmoneyaps/engage-playbooks/auth"
	"github.com/andmoneyaps/engage-playbooks/dataverse"
	"github.com/andmoneyaps/engage-playbooks/playbook"
)

// Status is how a check came out.
type Status string

// The outcomes.
const (
	OK      Status = "ok"
	Warning Status = "warning"
	Failed  Status = "failed"
)

// Check is one line of the list.
type Check struct {
	Name    string `json:"name"`
	Status  Status `json:"status"`
	Message string `json:"message"`
}

// List is what is looked at.
type List struct {
	Workspace   *playbook.Workspace
	Environment *auth.Environment
	Broker      *auth.Broker
	// Client reaches the organisation; its identity is not used.
	Client *dataverse.Client
	// Assertion is an employee's token; without one, what needs an employee is
	// a warning.
	Assertion string
	// Write also creates records and deletes them again.
	Write bool

	checks []Check
	// application and employee are the clients of the identities; nil: it
	// cannot be had, which has been reported.
	application, employee *dataverse.Client
	applicationUser       dataverse.GUID
}

// Run goes through the list. The error is that ctx ended.
func (l *List) Run(ctx context.Context) ([]Check, error) {
	for _, part := range []func(context.Context){l.asApplication, l.asEmployee, l.definitions, l.policy, l.tables, l.trials, l.privileges} {
		part(ctx)
		if err := ctx.Err(); err != nil {
			return l.checks, context.Cause(ctx)
		}
	}
	return l.checks, nil
}

func (l *List) add(status Status, name, format string, args ...any) {
	l.checks = append(l.checks, Check{Name: name, Status: status, Message: fmt.Sprintf(format, args...)})
}

// asApplication gets the application's token and asks who that is.
func (l *List) asApplication(ctx context.Context) {
	if l.Environment.Application == nil {
		if l.needs(playbook.IdentityApplication) {
			l.add(Failed, "application token", "playbooks act as the application, and the environment has no application: add one to %s", l.Environment.ID)
		}
		return
	}
	source := l.Broker.Application()
	if _, err := source.Token(ctx); err != nil {
		l.add(Failed, "application token", "%v", err)
		return
	}
	l.add(OK, "application token", "client credentials work for %s", l.Environment.Application.ClientID)
	client := l.Client.As(source)
	me, err := client.WhoAmI(ctx)
	if err != nil {
		l.add(Failed, "application user", "%s: make an application user for client id %s in the Power Platform admin centre and give it a role", said(err), l.Environment.Application.ClientID)
		return
	}
	user, err := client.Get(ctx, &dataverse.Query{EntitySet: "systemusers", Table: "systemuser", ID: me.UserID, Select: []string{"fullname", "applicationid", "isdisabled"}})
	switch {
	case err != nil:
		l.add(Warning, "application user", "it may not read its own user: %s", said(err))
	case !sameID(user.Text("applicationid"), l.Environment.Application.ClientID):
		l.add(Failed, "application user", "the token is of user %s, who is not the application user of client id %s", me.UserID, l.Environment.Application.ClientID)
		return
	default:
		l.add(OK, "application user", "%s is the application user of client id %s", user.Text("fullname"), l.Environment.Application.ClientID)
	}
	l.application, l.applicationUser = client, me.UserID
}

// asEmployee exchanges the employee's token and asks who that is.
func (l *List) asEmployee(ctx context.Context) {
	needed := l.needs(playbook.IdentityEmployee)
	switch {
	case l.Environment.OnBehalfOf == nil && needed:
		l.add(Failed, "employee token", "playbooks act as the employee, and the environment has no onBehalfOf: add one to %s", l.Environment.ID)
		return
	case l.Environment.OnBehalfOf == nil:
		return
	case l.Assertion == "":
		l.add(Warning, "employee token", "no employee's token was given, so On-Behalf-Of was not tried: use --assertion-file or ENGAGE_ASSERTION")
		return
	}
	source, err := l.Broker.Employee(ctx, l.Assertion)
	if err == nil {
		_, err = source.Token(ctx)
	}
	if err != nil {
		l.add(Failed, "employee token", "%v", err)
		return
	}
	l.add(OK, "employee token", "the exchange On-Behalf-Of works for %s", l.Environment.OnBehalfOf.ClientID)
	client := l.Client.As(source)
	me, err := client.WhoAmI(ctx)
	if err != nil {
		l.add(Failed, "employee user", "%s: is the employee a licensed user of the organisation?", said(err))
		return
	}
	if me.UserID == l.applicationUser {
		l.add(Failed, "employee user", "the employee's token reaches Dataverse as the application user: On-Behalf-Of is set up wrongly")
		return
	}
	l.add(OK, "employee user", "the employee is user %s", me.UserID)
	l.employee = client
}

// definitions compares every definition with the organisation's metadata.
func (l *List) definitions(ctx context.Context) {
	client := l.any()
	if client == nil {
		l.add(Failed, "definitions", "not looked at: there is no identity to ask with")
		return
	}
	all := l.Workspace.Definitions()
	for _, d := range all {
		name := "definition " + d.ID
		table, err := client.Table(ctx, d.Table)
		if err != nil {
			l.add(Failed, name, "table %s: %s", d.Table, said(err))
			continue
		}
		if d.EntitySet != "" && d.EntitySet != table.EntitySet {
			l.add(Failed, name, "%s: entitySet is %s, not %s", d.Pos, table.EntitySet, d.EntitySet)
			continue
		}
		if d.PrimaryKey != "" && d.PrimaryKey != table.PrimaryID {
			l.add(Failed, name, "%s: primaryKey is %s, not %s", d.Pos, table.PrimaryID, d.PrimaryKey)
			continue
		}
		asked := *d // without its entity set, so that metadata is looked at
		asked.EntitySet = ""
		if _, err := asked.Bind(ctx, client, all...); err != nil {
			l.add(Failed, name, "%s", said(err))
			continue
		}
		l.add(OK, name, "%d fields of table %s", len(d.Fields), d.Table)
	}
}

// policy compares the escalation policy with the blocks that escalate.
func (l *List) policy(context.Context) {
	for _, p := range l.Workspace.Playbooks() {
		for _, b := range p.Blocks {
			if b.Identity != playbook.IdentityApplication {
				continue
			}
			rule := p.ID + "/" + b.Name
			if _, ok := l.Environment.Allows(p.ID, b.Name); ok {
				l.add(OK, "escalation "+rule, "allowed; its reason: %s", b.Reason)
			} else {
				l.add(Warning, "escalation "+rule, "denied: the block will fail unless the environment's escalation allows %q", rule)
			}
		}
	}
	for _, r := range l.Environment.Allow {
		p, ok := l.Workspace.Playbook(r.Playbook)
		if ok {
			var b *playbook.Block
			if b, ok = p.Block(r.Block); ok {
				ok = b.Identity == playbook.IdentityApplication
			}
		}
		if !ok {
			l.add(Warning, "escalation "+r.String(), "the policy allows it, and there is no such block that acts as the application: take the entry out")
		}
	}
}

// tables reads one record of every table that an identity reads.
func (l *List) tables(ctx context.Context) {
	for _, who := range l.identities() {
		if who.client == nil {
			continue
		}
		need := needed(l.Workspace, who.identity)
		for _, table := range need.tables() {
			if !need[table][read] {
				continue
			}
			d := definitionOf(l.Workspace, table)
			name := fmt.Sprintf("read %s as the %s", table, who.identity)
			bound, err := d.Bind(ctx, who.client, l.Workspace.Definitions()...)
			if err != nil {
				continue // reported with the definitions
			}
			q := &dataverse.Query{EntitySet: bound.EntitySet, Table: bound.Table, Select: []string{bound.PrimaryKey}, Top: 1}
			if err := first(who.client.Query(ctx, q)); err != nil {
				l.add(Failed, name, "%s: give the identity the privilege to read %s", said(err), table)
				continue
			}
			l.add(OK, name, "it can be read")
		}
	}
}

func first(rows func(yield func(dataverse.Record, error) bool)) error {
	for _, err := range rows {
		return err
	}
	return nil
}

type identity struct {
	identity playbook.Identity
	client   *dataverse.Client
}

func (l *List) identities() []identity {
	return []identity{{playbook.IdentityEmployee, l.employee}, {playbook.IdentityApplication, l.application}}
}

// any is a client that can ask for metadata.
func (l *List) any() *dataverse.Client {
	if l.application != nil {
		return l.application
	}
	return l.employee
}

func (l *List) needs(id playbook.Identity) bool {
	return len(needed(l.Workspace, id)) > 0
}

// remote takes Dataverse's part of an error, and its status.
func remote(err error) (*dataverse.Error, int) {
	var e *dataverse.Error
	if errors.As(err, &e) {
		return e, e.Status
	}
	return nil, 0
}

// said gives the error for people, with Dataverse's own words.
func said(err error) string {
	if e, status := remote(err); e != nil && e.Message != "" {
		return fmt.Sprintf("%d %s %s", status, e.Code, e.Message)
	}
	return err.Error()
}
