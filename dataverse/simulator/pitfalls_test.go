package simulator

import (
	"net/http"
	"strings"
	"testing"
)

// TestUnknownNamesAndWrongLiteralsFail is pitfalls.md, Simulator 1.
func TestUnknownNamesAndWrongLiteralsFail(t *testing.T) {
	runWire(t, []wireCase{
		{name: "column", method: "GET", path: "contacts?$filter=nothing eq 'x'", status: 400, want: []string{"Could not find a property named 'nothing'"}},
		{name: "column behind a lookup", method: "GET", path: "contacts?$filter=parentcustomerid_account/nothing eq 'x'", status: 400, want: []string{"'nothing' on type 'Microsoft.Dynamics.CRM.account'"}},
		{name: "column in a lambda", method: "GET", path: "accounts?$filter=Account_Tasks/any(t:t/nothing eq 1)", status: 400, want: []string{"'nothing' on type 'Microsoft.Dynamics.CRM.task'"}},
		{name: "literal", method: "GET", path: "contacts?$filter=numberofchildren eq 'x'", status: 400, want: []string{"incompatible types"}},
		{name: "literal of a lambda", method: "GET", path: "accounts?$filter=Account_Tasks/any(t:t/statecode eq 'Open')", status: 400, want: []string{"incompatible types"}},
	})
}

// TestWhatIsNotModelledFailsByName is pitfalls.md, Simulator 6.
func TestWhatIsNotModelledFailsByName(t *testing.T) {
	id := "00000000-0000-4000-8000-000000000001"
	runWire(t, []wireCase{
		{method: "GET", path: "accounts?savedQuery=" + id, status: http.StatusNotImplemented, want: []string{"savedQuery"}},
		{method: "GET", path: "accounts?userQuery=" + id, status: http.StatusNotImplemented, want: []string{"userQuery"}},
		{method: "GET", path: "accounts?$deltatoken=1", status: http.StatusNotImplemented, want: []string{"$deltatoken"}},
		{name: "track changes", method: "GET", path: "accounts", header: []string{"Prefer", "odata.track-changes"}, status: http.StatusNotImplemented, want: []string{"odata.track-changes"}},
		{method: "POST", path: "WinOpportunity", body: "{}", status: http.StatusNotImplemented, want: []string{"WinOpportunity"}},
		{method: "GET", path: "RetrieveMetadataChanges(Query=@q)?@q={}", status: http.StatusNotImplemented, want: []string{"RetrieveMetadataChanges"}},
		{method: "POST", path: "EntityDefinitions", body: "{}", status: http.StatusNotImplemented, want: []string{"metadata"}},
	})
	for _, op := range strings.Fields(platformOperationNames) {
		if operations[op] != nil {
			t.Errorf("%s is modelled and listed as not modelled", op)
		}
	}
}
