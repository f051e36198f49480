package simulator

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestFaultMatrix: each kind, with and without a socket, and that the request
// after it is well.
func TestFaultMatrix(t *testing.T) {
	for name, tc := range map[string]struct {
		fault     Fault
		status    int    // 0: no answer
		text      string // in the body
		header    [2]string
		committed bool // the POST took effect
		truncated bool
	}{
		"requests":       {fault: Fault{Kind: FaultRequests}, status: 429, text: `{"error":{"code":"0x80072322","message":"Number of requests exceeded the limit of 6000 over time window of 300 seconds."}}`, header: [2]string{"Retry-After", "1"}},
		"time":           {fault: Fault{Kind: FaultTime, RetryAfter: "17"}, status: 429, text: `"code":"0x80072321"`, header: [2]string{"Retry-After", "17"}},
		"concurrency":    {fault: Fault{Kind: FaultConcurrency}, status: 429, text: `"code":"0x80072326","message":"Number of concurrent requests exceeded the limit of 52."`, header: [2]string{"Retry-After", "1"}},
		"retry by date":  {fault: Fault{Kind: FaultRequests, RetryAfter: "Wed, 21 Oct 2026 07:28:00 GMT"}, status: 429, header: [2]string{"Retry-After", "Wed, 21 Oct 2026 07:28:00 GMT"}},
		"no retry after": {fault: Fault{Kind: FaultRequests, RetryAfter: "-"}, status: 429, header: [2]string{"Retry-After", ""}},
		"500":            {fault: Fault{Kind: FaultError, Status: 500}, status: 500, text: `"code":"0x80040216"`},
		"503":            {fault: Fault{Kind: FaultError, RetryAfter: "5"}, status: 503, header: [2]string{"Retry-After", "5"}},
		"a code":         {fault: Fault{Kind: FaultError, Status: 500, Code: "0x80044150", Message: "Generic SQL error."}, status: 500, text: `{"code":"0x80044150","message":"Generic SQL error."}`},
		"502 in HTML":    {fault: Fault{Kind: FaultHTML}, status: 502, text: "<html>", header: [2]string{"Content-Type", "text/html"}},
		"504 in HTML":    {fault: Fault{Kind: FaultHTML, Status: 504}, status: 504, text: "504 Gateway Timeout"},
		"token":          {fault: Fault{Kind: FaultToken}, status: 401},
		"reset":          {fault: Fault{Kind: FaultReset}},
		"lost":           {fault: Fault{Kind: FaultLost}, committed: true},
		"truncated":      {fault: Fault{Kind: FaultTruncated}, status: 201, committed: true, truncated: true},
	} {
		for _, socket := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				s := NewServer(nil, &Options{NoListener: !socket})
				defer s.Close()
				s.Fail(tc.fault)
				r, err := try(s, "POST", "contacts", `{"lastname":"x"}`, "Prefer", "return=representation")
				switch {
				case tc.status == 0 && err == nil:
					t.Errorf("an answer came: %+v", r)
				case tc.status != 0 && r.status != tc.status:
					t.Errorf("status %d (%v), wanted %d", r.status, err, tc.status)
				case tc.truncated && !errors.Is(err, io.ErrUnexpectedEOF):
					t.Errorf("the body ended with %v", err)
				}
				r.has(t, tc.text)
				if tc.header[0] != "" && r.header.Get(tc.header[0]) != tc.header[1] {
					t.Errorf("%s: %q", tc.header[0], r.header.Get(tc.header[0]))
				}
				if n := len(s.Records("contacts")); n != oneIf(tc.committed) {
					t.Errorf("%d contacts", n)
				}
				ask(t, s, "GET", "contacts", "").is(t, 200)
			})
		}
	}
}

func TestFaultMatching(t *testing.T) {
	get, create := [3]string{"GET", "contacts", ""}, [3]string{"POST", "accounts", "{}"}
	for name, tc := range map[string]struct {
		fault Fault
		hit   []bool // get, get, create, get
	}{
		"first":            {Fault{}, []bool{true, false, false, false}},
		"nth":              {Fault{Skip: 1}, []bool{false, true, false, false}},
		"count":            {Fault{Count: 3}, []bool{true, true, true, false}},
		"all":              {Fault{Count: -1}, []bool{true, true, true, true}},
		"method":           {Fault{Method: "POST", Count: -1}, []bool{false, false, true, false}},
		"path":             {Fault{Path: "accounts", Count: -1}, []bool{false, false, true, false}},
		"pattern":          {Fault{Path: "c*", Count: -1}, []bool{true, true, false, true}},
		"table":            {Fault{Table: "account", Count: -1}, []bool{false, false, true, false}},
		"user":             {Fault{User: AdministratorEmail}, []bool{true, false, false, false}},
		"user by id":       {Fault{User: AdministratorID}, []bool{true, false, false, false}},
		"somebody else":    {Fault{User: "x@y.example", Count: -1}, []bool{false, false, false, false}},
		"skip counts hits": {Fault{Method: "GET", Skip: 2}, []bool{false, false, false, true}},
	} {
		t.Run(name, func(t *testing.T) {
			s := quiet(t, nil)
			tc.fault.Kind = FaultError
			s.Fail(tc.fault)
			for i, q := range [][3]string{get, get, create, get} {
				if r := ask(t, s, q[0], q[1], q[2]); (r.status == 503) != tc.hit[i] {
					t.Errorf("request %d: %d", i, r.status)
				}
			}
			s.ClearFaults()
			ask(t, s, "GET", "contacts", "").is(t, 200)
		})
	}
}

func TestFaultsInsideBatches(t *testing.T) {
	s := quiet(t, nil)
	s.Fail(Fault{Kind: FaultError, Table: "contact", Method: "POST", Status: 500, Code: "0x80044151", Message: "SQL timeout expired."})
	body := set(post("/api/data/v9.2/accounts", "{}"), post("/api/data/v9.2/contacts", "{}")) + batchEnd
	p := sendBatch(t, s, body).is(t, 500).parts(t)
	if len(p) != 1 || len(p[0].set) != 1 || p[0].set[0].contentID != "2" || !strings.Contains(p[0].set[0].body, "0x80044151") {
		t.Errorf("%+v", p)
	}
	if len(s.Records("accounts")) != 0 {
		t.Error("the set was not undone")
	}
	s.Fail(Fault{Kind: FaultRequests})
	sendBatch(t, s, body).is(t, 429, "0x80072322")
	s.Fail(Fault{Kind: FaultLost, Table: "contact"})
	if _, err := try(s, "POST", "$batch", string(crlf(body)), "Content-Type", batchType); err == nil {
		t.Error("an answer came")
	}
	if len(s.Records("accounts")) != 1 {
		t.Error("the set did not take effect")
	}
}

func TestDelayIsOnTheClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewServer(nil, &Options{NoListener: true})
		defer s.Close()
		s.Fail(Fault{Kind: FaultDelay, DelayMS: 90_000})
		start := time.Now()
		ask(t, s, "GET", "contacts", "").is(t, 200)
		if d := time.Since(start); d != 90*time.Second {
			t.Errorf("it took %s", d)
		}
	})
}

func TestMetadataLag(t *testing.T) {
	s := quiet(t, nil)
	s.Fail(Fault{Kind: FaultMetadataLag, Table: "lead"})
	s.Fail(Fault{Kind: FaultMetadataLag, Table: "contact", Column: "jobtitle"})
	path := "EntityDefinitions(LogicalName='contact')/Attributes?$select=LogicalName&$filter=LogicalName eq 'jobtitle'"
	ask(t, s, "GET", "EntityDefinitions(LogicalName='lead')", "").is(t, 404)
	ask(t, s, "GET", "EntityDefinitions(LogicalName='lead')", "", "Consistency", "Strong").is(t, 200)
	if n := len(ask(t, s, "GET", path, "").value(t)); n != 0 {
		t.Error("the column is there")
	}
	if n := len(ask(t, s, "GET", path, "", "Consistency", "Strong").value(t)); n != 1 {
		t.Error("the column is not there")
	}
}

func TestFaultsComeFromJSON(t *testing.T) {
	var f Fault
	if err := json.Unmarshal([]byte(`{"kind":"time","method":"POST","table":"contact","skip":1,"count":2,"retryAfter":"3"}`), &f); err != nil {
		t.Fatal(err)
	}
	if f != (Fault{Kind: FaultTime, Method: "POST", Table: "contact", Skip: 1, Count: 2, RetryAfter: "3"}) {
		t.Errorf("%+v", f)
	}
	for _, bad := range []Fault{{Kind: "weather"}, {Kind: FaultError, Path: "["}} {
		if bad.Check() == nil {
			t.Errorf("%+v passes", bad)
		}
	}
}

// TestLimitsReallyCount: requests and execution time in a sliding window, per
// user, and requests under way.
func TestLimitsReallyCount(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	s := quiet(t, &Options{Now: func() time.Time { return now }})
	s.Limit(Limits{Requests: 3, Window: 100 * time.Second})
	for i := range 3 {
		r := ask(t, s, "GET", "contacts", "").is(t, 200)
		if left := r.header.Get("x-ms-ratelimit-burst-remaining-xrm-requests"); left != strconv.Itoa(2-i) {
			t.Errorf("%s requests are left", left)
		}
		now = now.Add(10 * time.Second)
	}
	r := ask(t, s, "GET", "contacts", "").is(t, 429, "0x80072322", "exceeded the limit of 3 over time window of 100 seconds")
	if r.header.Get("Retry-After") != "70" {
		t.Errorf("Retry-After %s", r.header.Get("Retry-After"))
	}
	ask(t, s, "GET", "contacts", "", as(s, "other@bank.example")...).is(t, 200)
	now = now.Add(70 * time.Second)
	ask(t, s, "GET", "contacts", "").is(t, 200)
	ask(t, s, "GET", "contacts", "").is(t, 429)

	now = now.Add(time.Hour)
	s.Limit(Limits{Time: 10 * time.Second, PerOperation: 3 * time.Second, Window: 100 * time.Second})
	batch := single("GET /api/data/v9.2/contacts HTTP/1.1\n") + single("GET /api/data/v9.2/contacts HTTP/1.1\n")
	sendBatch(t, s, batch+batch+batchEnd).is(t, 200) // one request, the time of four
	ask(t, s, "GET", "contacts", "").is(t, 429, "0x80072321", "exceeded limit of 10,000 milliseconds")

	now = now.Add(time.Hour)
	s.Limit(Limits{Concurrent: 1})
	s.Before("Create", "contact", func(*HookContext) error {
		if r := ask(t, s, "GET", "WhoAmI", ""); r.status != http.StatusTooManyRequests || !strings.Contains(r.body, "0x80072326") {
			t.Errorf("a second request under way: %+v", r)
		}
		return nil
	})
	ask(t, s, "POST", "contacts", "{}").is(t, 204)
	s.Limit(Limits{})
	ask(t, s, "GET", "contacts", "").is(t, 200)
}

func TestHooks(t *testing.T) {
	s := quiet(t, nil)
	s.Before("Create", "contact", func(h *HookContext) error {
		if h.Get("lastname") == "Refused" {
			return Refuse("Contacts of this name are not wanted.")
		}
		if h.Get("lastname") == "Broken" {
			return errors.New("null reference")
		}
		h.Set("jobtitle", "set by the hook")
		return nil
	})
	s.After("Create", "contact", func(h *HookContext) error {
		return h.Create("annotations", map[string]any{"subject": "made by the hook", "objectid_contact@odata.bind": "/contacts(" + h.ID + ")"})
	})
	s.After("Create", "annotation", func(h *HookContext) error {
		if h.Get("subject") == "bad" {
			return Refuse("no such note")
		}
		return nil
	})
	ask(t, s, "POST", "contacts", `{"lastname":"x"}`).is(t, 204)
	if c := s.Records("contacts")[0]; c["jobtitle"] != "set by the hook" {
		t.Errorf("%v", c["jobtitle"])
	}
	if n := len(s.Records("annotations")); n != 1 {
		t.Errorf("%d notes", n)
	}
	ask(t, s, "POST", "contacts", `{"lastname":"Refused"}`).is(t, 400, `{"error":{"code":"0x80040265","message":"Contacts of this name are not wanted."}}`)
	ask(t, s, "POST", "contacts", `{"lastname":"Broken"}`).is(t, 400, `"code":"0x80040224"`)
	ask(t, s, "POST", "annotations", `{"subject":"bad"}`).is(t, 400, "no such note")
	if len(s.Records("contacts")) != 1 || len(s.Records("annotations")) != 1 {
		t.Error("a refused message left a record behind")
	}
	s.After("Update", "account", func(h *HookContext) error { return h.Update("accounts", h.ID, map[string]any{"name": "again"}) })
	ask(t, s, "POST", "accounts", `{"accountid":"`+theA+`","name":"a"}`).is(t, 204)
	ask(t, s, "PATCH", "accounts("+theA+")", `{"name":"b"}`).is(t, 400, "infinite loop")
}

func TestStrictMode(t *testing.T) {
	rules := map[string]int{}
	s := quiet(t, &Options{Strict: func(f Finding) { rules[f.Rule]++ }})
	ask(t, s, "POST", "contacts", `{"firstname":"x","createdon":"2020-01-01T00:00:00Z"}`).is(t, 204)
	for _, rule := range []string{"odata-version-missing", "not-writable", "required-missing"} {
		if rules[rule] == 0 {
			t.Errorf("%s is not reported: %v", rule, rules)
		}
	}
	clear(rules)
	headers := []string{"OData-Version", "4.0", "OData-MaxVersion", "4.0", "Accept", "application/json"}
	ask(t, s, "POST", "contacts", `{"lastname":"x"}`, headers...).is(t, 204)
	if len(rules) > 0 {
		t.Errorf("a proper request is reported: %v", rules)
	}
	get := single("GET /api/data/v9.2/contacts HTTP/1.1\nOData-Version: 4.0\nOData-MaxVersion: 4.0\nAccept: application/json\n") + batchEnd + "\n"
	ask(t, s, "POST", "$batch", get, append(headers, "Content-Type", batchType)...).is(t, 200)
	if rules["batch-format"] == 0 {
		t.Errorf("line ends are not reported: %v", rules)
	}
}
