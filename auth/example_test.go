package auth_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"

	"github.com/andmoneyaps/engage-playbooks/auth"
	"github.com/andmoneyaps/engage-playbooks/dataverse"
	"github.com/andmoneyaps/engage-playbooks/dataverse/simulator"
)

// simulated gives an environment of a simulator, as `engage simulate
// --write-environment` writes it.
func simulated(server *simulator.Server) (env *auth.Environment, cleanup func()) {
	dir, err := os.MkdirTemp("", "engage")
	if err != nil {
		panic(err)
	}
	file := filepath.Join(dir, "secret")
	if err := os.WriteFile(file, []byte(simulator.DefaultClientSecret), 0o600); err != nil {
		panic(err)
	}
	reg := &auth.Registration{ClientID: simulator.DefaultClientID, Secrets: []auth.Reference{{File: file}}}
	return &auth.Environment{
		ID: "local", URL: server.URL, TenantID: server.TenantID, Authority: server.Authority,
		OnBehalfOf: reg, Application: reg,
	}, func() { _ = os.RemoveAll(dir) }
}

// One broker an environment gives the sources of both identities.
func ExampleBroker() {
	ctx := context.Background()
	server := simulator.NewServer(nil, nil)
	defer server.Close()
	env, cleanup := simulated(server)
	defer cleanup()

	broker, err := auth.NewBroker(env, nil)
	if err != nil {
		fmt.Println(err)
		return
	}

	// What the front end of an employee sent with the event.
	assertion := server.Entra.Assertion("mette.holm@bank.example", simulator.AssertionOptions{})
	employee, err := broker.Employee(ctx, assertion)
	if err != nil {
		fmt.Println(err)
		return
	}
	client, err := dataverse.New(env.URL, employee, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	escalated := client.As(broker.Application()) // shares the connections
	_ = escalated

	for _, source := range []*auth.Source{employee, broker.Application()} {
		token, err := source.Token(ctx)
		if err != nil {
			fmt.Println(err)
			return
		}
		who, _ := server.Entra.Validate(token)
		fmt.Printf("%q, application: %v\n", who.Email, who.AppOnly)
	}
	// Output:
	// "mette.holm@bank.example", application: false
	// "", application: true
}

// When the employee must sign in again, the embedder answers its front end with
// 401 and the header that Entra's challenge makes.
func ExampleError_WWWAuthenticate() {
	ctx := context.Background()
	server := simulator.NewServer(nil, nil)
	defer server.Close()
	env, cleanup := simulated(server)
	defer cleanup()
	broker, err := auth.NewBroker(env, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	const mfa = `{"access_token":{"acrs":{"essential":true,"value":"c1"}}}`
	if err := server.Entra.Demand("mette.holm@bank.example", 50076, mfa); err != nil {
		fmt.Println(err)
		return
	}

	source, err := broker.Employee(ctx, server.Entra.Assertion("mette.holm@bank.example", simulator.AssertionOptions{}))
	if err == nil {
		_, err = source.Token(ctx)
	}
	if failed := new(auth.Error); errors.As(err, &failed) && errors.Is(err, auth.SignInRequired) {
		fmt.Println(http.StatusUnauthorized, failed.Kind, failed.WWWAuthenticate() != "")
		fmt.Println(failed.Hint)
	}
	// Output:
	// 401 sign in required true
	// the employee must sign in with multi-factor authentication
}

// vault is an embedder's own source of tokens: from a service of theirs, say.
type vault struct{ fetch func() (string, error) }

// Token is all that the client of Dataverse asks for.
func (v vault) Token(context.Context) (string, error) { return v.fetch() }

// An embedder who has tokens already needs neither this package nor MSAL: any
// type with this one method is a dataverse.TokenSource.
func Example_ownTokenSource() {
	server := simulator.NewServer(nil, nil)
	defer server.Close()

	own := vault{fetch: func() (string, error) { return server.Entra.Bearer("mette.holm@bank.example"), nil }}
	client, err := dataverse.New(server.URL, own, nil)
	fmt.Println(client != nil, err)
	// Output: true <nil>
}
