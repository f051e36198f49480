package dataverse_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/andmoneyaps/engage-playbooks/dataverse"
)

// metadataServer answers the parts of a metadata $batch for the table contact,
// in the shapes of the fact sheet, section 8.
type metadataServer struct {
	requests atomic.Int32
	arrived  chan struct{} // told of each request, if there is one
	hold     chan struct{} // an answer waits for it, if there is one
}

var partLine = regexp.MustCompile(`(?m)^GET (\S+) HTTP/1.1\r$`)

func (m *metadataServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.requests.Add(1)
	body, _ := io.ReadAll(r.Body)
	if m.hold != nil {
		m.arrived <- struct{}{}
		<-m.hold
	}
	w.Header().Set("Content-Type", "multipart/mixed; boundary=batchresponse_1")
	for _, line := range partLine.FindAllStringSubmatch(string(body), -1) {
		status, doc := metadataPart(line[1])
		fmt.Fprintf(w, "--batchresponse_1\r\nContent-Type: application/http\r\n\r\nHTTP/1.1 %s\r\nContent-Type: application/json\r\n\r\n%s\r\n", status, doc)
	}
	io.WriteString(w, "--batchresponse_1--\r\n")
}

func metadataPart(uri string) (status, doc string) {
	relationships := `"ManyToOneRelationships":[
	{"ReferencingAttribute":"parentcustomerid","ReferencedEntity":"account","ReferencingEntityNavigationPropertyName":"parentcustomerid_account","ReferencedEntityNavigationPropertyName":"contact_customer_accounts"},
	{"ReferencingAttribute":"new_mixed","ReferencedEntity":"new_mixed","ReferencingEntityNavigationPropertyName":"new_Mixed","ReferencedEntityNavigationPropertyName":"x"},
	{"ReferencingAttribute":"ownerid","ReferencedEntity":"owner","ReferencingEntityNavigationPropertyName":"ownerid","ReferencedEntityNavigationPropertyName":"owner_contacts"}]`
	attribute := func(name, kind string) string {
		return fmt.Sprintf(`{"@odata.type":"#Microsoft.Dynamics.CRM.%[2]sAttributeMetadata","LogicalName":%[1]q,"AttributeType":%[2]q,"AttributeTypeName":{"Value":"%[2]sType"},"RequiredLevel":{"Value":"None"},"IsValidForCreate":true,"IsValidForUpdate":true,"IsValidForRead":true,"AttributeOf":null}`, name, kind)
	}
	switch {
	case strings.Contains(uri, "EntityDefinitions?"):
		if !strings.Contains(uri, "'contact'") {
			return "200 OK", `{"value":[]}`
		}
		return "200 OK", `{"value":[{"LogicalName":"contact","EntitySetName":"contacts","PrimaryIdAttribute":"contactid","PrimaryNameAttribute":"fullname","IsOptimisticConcurrencyEnabled":true,"Attributes":[` +
			strings.Join([]string{
				attribute("contactid", "Uniqueidentifier"), attribute("lastname", "String"), attribute("birthdate", "DateTime"), attribute("new_mixed", "Lookup"),
				attribute("parentcustomerid", "Customer"), attribute("ownerid", "Owner"), attribute("statuscode", "Status"),
				`{"LogicalName":"new_tags","AttributeType":"Virtual","AttributeTypeName":{"Value":"MultiSelectPicklistType"}}`,
				`{"LogicalName":"parentcustomeridname","AttributeType":"String","AttributeOf":"parentcustomerid"}`,
			}, ",") + `],` + relationships + `,"Keys":[{"KeyAttributes":["lastname"],"EntityKeyIndexStatus":"Active"},{"KeyAttributes":["x"],"EntityKeyIndexStatus":"Failed"}]}]}`
	case strings.Contains(uri, "sdkmessagefilters"):
		return "200 OK", `{"value":[{"primaryobjecttypecode":"contact"}]}`
	case !strings.Contains(uri, "'contact'"):
		return "404 Not Found", `{"error":{"code":"0x80060888","message":"no such table"}}`
	case strings.Contains(uri, ".StringAttributeMetadata"):
		return "200 OK", `{"value":[{"LogicalName":"lastname","MaxLength":50}]}`
	case strings.Contains(uri, ".LookupAttributeMetadata"):
		return "200 OK", `{"value":[{"LogicalName":"parentcustomerid","Targets":["account"]},{"LogicalName":"ownerid","Targets":["systemuser","team"]},{"LogicalName":"new_mixed","Targets":["new_mixed"]}]}`
	case strings.Contains(uri, ".DateTimeAttributeMetadata"):
		return "200 OK", `{"value":[{"LogicalName":"birthdate","DateTimeBehavior":{"Value":"DateOnly"}}]}`
	case strings.Contains(uri, ".StatusAttributeMetadata"):
		return "200 OK", `{"value":[{"LogicalName":"statuscode","OptionSet":{"Options":[{"Value":1,"State":0,"Label":{"UserLocalizedLabel":{"Label":"Active"}}}]}}]}`
	}
	return "200 OK", `{"value":[]}`
}

func TestTable(t *testing.T) {
	m := &metadataServer{}
	s := httptest.NewServer(m)
	defer s.Close()
	c, err := dataverse.New(s.URL, token("t"), nil)
	if err != nil {
		t.Fatal(err)
	}
	table, err := c.Table(t.Context(), "contact")
	if err != nil {
		t.Fatal(err)
	}
	if table.EntitySet != "contacts" || table.PrimaryID != "contactid" || !table.BulkMessages || !table.OptimisticLocks || len(table.Keys) != 1 {
		t.Errorf("%+v", table)
	}
	column := func(name string) *dataverse.Column {
		col, ok := table.Column(name)
		if !ok {
			t.Fatalf("no column %s", name)
		}
		return col
	}
	if col := column("lastname"); col.MaxLength != 50 || col.Type != "String" {
		t.Errorf("%+v", col)
	}
	if !column("birthdate").DateOnly {
		t.Error("birthdate is no date")
	}
	if col := column("statuscode"); len(col.Choices) != 1 || col.Choices[0].Label != "Active" {
		t.Errorf("%+v", col)
	}
	if column("new_tags").Type != "MultiSelectPicklist" {
		t.Error("type of new_tags")
	}
	if _, ok := table.Column("parentcustomeridname"); ok {
		t.Error("a shadow column is listed")
	}
	if l := column("ownerid").Lookups; len(l) != 2 || l[1] != (dataverse.Lookup{Target: "team", Navigation: "ownerid"}) {
		t.Errorf("owner: %+v", l)
	}
	if l := column("new_mixed").Lookups; len(l) != 1 || l[0].Navigation != "new_Mixed" {
		t.Errorf("mixed case: %+v", l)
	}
	if m.requests.Load() != 1 {
		t.Errorf("%d requests", m.requests.Load())
	}
	if _, err := c.Tables(t.Context(), "contact", "nonesuch"); !errors.Is(err, dataverse.ErrNotFound) {
		t.Errorf("unknown table: %v", err)
	}
}

func TestMetadataFetchIsSharedAndSurvivesItsFirstCaller(t *testing.T) {
	m := &metadataServer{arrived: make(chan struct{}, 1), hold: make(chan struct{})}
	s := httptest.NewServer(m)
	defer s.Close()
	c, err := dataverse.New(s.URL, token("t"), nil)
	if err != nil {
		t.Fatal(err)
	}
	first, cancel := context.WithCancel(t.Context())
	cancelled := make(chan error)
	go func() {
		_, err := c.Table(first, "contact")
		cancelled <- err
	}()
	<-m.arrived
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			if _, err := c.As(token("other")).Table(t.Context(), "contact"); err != nil {
				t.Error(err)
			}
		})
	}
	cancel()
	if err := <-cancelled; !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled caller got %v", err)
	}
	close(m.hold)
	wg.Wait()
	if n := m.requests.Load(); n != 1 {
		t.Errorf("%d requests for one table", n)
	}
}

// handler answers without a socket, so that it runs in a bubble of synctest.
type handler struct{ http.Handler }

func (h handler) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	in := r.Clone(r.Context())
	in.RequestURI = r.URL.RequestURI()
	if in.Body == nil {
		in.Body = http.NoBody
	}
	h.ServeHTTP(w, in)
	return w.Result(), nil
}

func TestMetadataExpiresAndIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &metadataServer{}
		mux := http.NewServeMux()
		mux.Handle("/", m)
		mux.Handle("/api/data/v9.2/contacts", fault(400, "0x0", "Could not find a property named 'x' on type 'Microsoft.Dynamics.CRM.contact'."))
		c, err := dataverse.New("https://contoso.crm4.dynamics.com", token("t"), &dataverse.Options{HTTP: handler{mux}})
		if err != nil {
			t.Fatal(err)
		}
		ask := func(want int32) {
			t.Helper()
			if _, err := c.Table(t.Context(), "contact"); err != nil {
				t.Fatal(err)
			}
			if n := m.requests.Load(); n != want {
				t.Errorf("%d requests, want %d", n, want)
			}
		}
		ask(1)
		time.Sleep(4 * time.Minute)
		ask(1)
		time.Sleep(2 * time.Minute)
		ask(2)
		for _, err := range c.Query(t.Context(), contacts(nil)) {
			if !errors.Is(err, dataverse.ErrInvalid) {
				t.Errorf("got %v", err)
			}
		}
		ask(3) // the service did not know a name
	})
}
