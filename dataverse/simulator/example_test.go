package simulator_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/andmoneyaps/engage-playbooks/dataverse/simulator"
)

// The three moves: start a server, use it, close it.
func Example() {
	s := simulator.NewServer(nil, nil)
	defer s.Close()

	contacts := s.URL + "/api/data/v9.2/contacts"
	body := strings.NewReader(`{"firstname": "Ada", "lastname": "Lovelace"}`)
	resp, err := s.Client().Post(contacts, "application/json", body)
	if err != nil {
		fmt.Println(err)
		return
	}
	resp.Body.Close()
	fmt.Println(resp.Status)

	resp, err = s.Client().Get(contacts + "/$count?$filter=lastname%20eq%20'lovelace'")
	if err != nil {
		fmt.Println(err)
		return
	}
	count, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	fmt.Printf("%q\n", count)

	for _, row := range s.Records("contacts") {
		fmt.Println(row["fullname"])
	}
	// Output:
	// 204 No Content
	// "\ufeff1"
	// Ada Lovelace
}

// A test's own table, with an alternate key and a lookup.
func ExampleSchema_AddTable() {
	schema := simulator.Baseline()
	err := schema.AddTable(simulator.TableSpec{
		LogicalName: "new_project", SchemaName: "new_Project", EntitySet: "new_projects",
		PrimaryID: "new_projectid", PrimaryName: "new_name", Notes: true, Activities: true,
		Columns: []simulator.Column{
			{LogicalName: "new_code", Type: simulator.String, MaxLength: 20},
			{LogicalName: "new_accountid", Type: simulator.Lookup, Targets: []simulator.Target{
				{Table: "account", Navigation: "new_AccountId", Collection: "new_account_projects"},
			}},
		},
		Keys: []simulator.Key{{SchemaName: "new_CodeKey", Columns: []string{"new_code"}}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	s := simulator.NewServer(schema, &simulator.Options{NoListener: true})
	defer s.Close()

	url := s.URL + "/api/data/v9.2/new_projects(new_code='P1')"
	req, _ := http.NewRequest(http.MethodPatch, url, strings.NewReader(`{"new_name": "Branch"}`))
	req.Header.Set("Content-Type", "application/json")
	resp, err := s.Client().Do(req)
	if err != nil {
		fmt.Println(err)
		return
	}
	resp.Body.Close()
	fmt.Println(resp.StatusCode, s.Records("new_projects")[0]["new_code"])
	// Output: 204 P1
}
