package dataverse_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"sync"
	"time"

	"github.com/andmoneyaps/engage-playbooks/dataverse"
	"github.com/andmoneyaps/engage-playbooks/dataverse/simulator"
)

// vault is an embedder's own token source: it asks a service of the house for
// a token, keeps it until shortly before it expires, and fetches another one
// when Dataverse refuses it.
type vault struct {
	fetch func(ctx context.Context, claims string) (token string, lifetime time.Duration, err error)

	mu      sync.Mutex
	token   string
	expires time.Time
}

// Token implements dataverse.TokenSource.
func (v *vault) Token(ctx context.Context) (string, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if time.Until(v.expires) > 5*time.Minute {
		return v.token, nil
	}
	return v.refresh(ctx, "")
}

// Renew implements dataverse.Renewer.
func (v *vault) Renew(ctx context.Context, rejected, claims string) (string, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.token != rejected { // somebody else renewed it meanwhile
		return v.token, nil
	}
	return v.refresh(ctx, claims)
}

func (v *vault) refresh(ctx context.Context, claims string) (string, error) {
	token, lifetime, err := v.fetch(ctx, claims)
	if err != nil {
		return "", fmt.Errorf("vault: %w", err)
	}
	v.token, v.expires = token, time.Now().Add(lifetime)
	return token, nil
}

// Identity implements dataverse.Identifier: all clients of this identity share
// one limiter.
func (v *vault) Identity() string { return "nightly-job" }

var (
	_ dataverse.TokenSource = (*vault)(nil)
	_ dataverse.Renewer     = (*vault)(nil)
	_ dataverse.Identifier  = (*vault)(nil)
)

// An embedder brings its own tokens.
func ExampleTokenSource() {
	s := simulator.NewServer(nil, nil)
	defer s.Close()

	tokens := &vault{fetch: func(context.Context, string) (string, time.Duration, error) {
		return s.Entra.Bearer(simulator.AdministratorEmail), time.Hour, nil
	}}
	c, err := dataverse.New(s.URL, tokens, nil)
	if err != nil {
		log.Fatal(err)
	}
	who, err := c.WhoAmI(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(who.UserID)
	// Output: 2f6e1c52-7a0d-4a53-9a3e-77f0c2b4e001
}

// A change set is done as a whole. With ids of one's own it can be sent again.
func ExampleClient_Apply() {
	s := simulator.NewServer(nil, nil)
	defer s.Close()
	c, err := dataverse.New(s.URL, token(s.Entra.Bearer(simulator.AdministratorEmail)), nil)
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()

	changes := &dataverse.ChangeSet{Writes: []dataverse.Write{
		{
			Operation: dataverse.Create, Table: "contact", EntitySet: "contacts",
			PrimaryKey: "contactid", ID: "6f0a1c1e-0000-4000-8000-000000000001", Source: "customer",
			Body: []dataverse.Property{{Name: "lastname", Value: "Lovelace"}},
		},
		{
			Operation: dataverse.Create, Table: "annotation", EntitySet: "annotations",
			PrimaryKey: "annotationid", ID: "6f0a1c1e-0000-4000-8000-000000000002", Source: "note",
			Body: []dataverse.Property{
				{Name: "notetext", Value: "Prefers the telephone."},
				{Name: "objectid_contact", Lookup: true, Value: dataverse.Bind{EntitySet: "contacts", ID: "6f0a1c1e-0000-4000-8000-000000000001"}},
			},
		},
	}}
	written, err := c.Apply(ctx, changes)
	if err != nil {
		log.Fatal(err)
	}
	for _, w := range written {
		fmt.Println(w.Status, w.ID)
	}

	_, err = c.Apply(ctx, changes) // the event came twice
	var refused *dataverse.Error
	if errors.Is(err, dataverse.ErrDuplicate) && errors.As(err, &refused) {
		fmt.Println(refused.Source, "exists")
	}
	// Output:
	// 204 6f0a1c1e-0000-4000-8000-000000000001
	// 204 6f0a1c1e-0000-4000-8000-000000000002
	// customer exists
}

// Rows stream, page by page.
func ExampleClient_Query() {
	s := simulator.NewServer(nil, nil)
	defer s.Close()
	c, err := dataverse.New(s.URL, token(s.Entra.Bearer(simulator.AdministratorEmail)), nil)
	if err != nil {
		log.Fatal(err)
	}
	q := &dataverse.Query{
		EntitySet: "systemusers", Table: "systemuser", Select: []string{"fullname"},
		Filter:  dataverse.Compare{Column: "isdisabled", Op: dataverse.Eq, Value: false},
		OrderBy: []dataverse.Order{{Column: "fullname"}},
	}
	for user, err := range c.Query(context.Background(), q) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(user.Text("fullname"))
	}
	// Output: System Administrator
}

// A dry run prints the request that would be sent.
func ExampleQuery_Request() {
	r, err := (&dataverse.Query{
		EntitySet: "contacts", Select: []string{"fullname"},
		Filter: dataverse.And{
			dataverse.Compare{Column: "lastname", Op: dataverse.Eq, Value: "O'Brien"},
			dataverse.In{Column: "statuscode", Values: []dataverse.Value{1, 2}},
		},
	}).Request()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(r)
	// Output:
	// GET contacts
	//   $select=fullname
	//   $filter=lastname eq 'O''Brien' and Microsoft.Dynamics.CRM.In(PropertyName='statuscode',PropertyValues=["1","2"])
	// Prefer: odata.maxpagesize=5000
}

// A transport that refuses writes is the proof of a dry run.
func ExampleReadOnly() {
	s := simulator.NewServer(nil, nil)
	defer s.Close()
	c, err := dataverse.New(s.URL, token(s.Entra.Bearer(simulator.AdministratorEmail)), &dataverse.Options{HTTP: dataverse.ReadOnly(nil)})
	if err != nil {
		log.Fatal(err)
	}
	_, err = c.Apply(context.Background(), &dataverse.ChangeSet{Writes: []dataverse.Write{{
		Operation: dataverse.Create, Table: "contact", EntitySet: "contacts",
	}}})
	fmt.Println(errors.Is(err, dataverse.ErrReadOnly), err)
	// Output: true POST contacts: write refused: read only: POST
}
