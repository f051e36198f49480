package dataverse_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/andmoneyaps/engage-playbooks/dataverse"
	"github.com/andmoneyaps/engage-playbooks/dataverse/simulator"
)

// Each benchmark does the same requests twice: by the client, and by hand with
// net/http and encoding/json. The project's bounds are CPU within 1.3 and
// allocations within 1.5 of the hand-written. The answers are canned, so that
// what is measured is the clients.

// hand is the hand-written client.
type hand struct {
	http *http.Client
	root string
}

func (h *hand) do(b *testing.B, method, path string, body []byte, header ...string) (*http.Response, []byte) {
	req, err := http.NewRequestWithContext(b.Context(), method, h.root+path, bytes.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer t0ken")
	req.Header.Set("Accept", "application/json")
	req.Header.Set("OData-Version", "4.0")
	req.Header.Set("OData-MaxVersion", "4.0")
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := h.http.Do(req)
	if err != nil {
		b.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode > 299 {
		b.Fatal(err, resp.Status)
	}
	return resp, data
}

// canned serves one answer without a socket, so that the server's work is not
// in the figures.
type canned struct {
	header http.Header
	status int
	body   []byte
}

func (c *canned) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		io.Copy(io.Discard, r.Body)
		r.Body.Close()
	}
	return &http.Response{
		StatusCode: c.status, Header: c.header, Body: io.NopCloser(bytes.NewReader(c.body)),
		ContentLength: int64(len(c.body)), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
	}, nil
}

// served puts the answer behind a socket of this process.
func served(b *testing.B, c *canned) (root string, transport http.RoundTripper) {
	w := newWire(b, func(rw http.ResponseWriter, r *http.Request) {
		for name, values := range c.header {
			rw.Header()[name] = values
		}
		rw.WriteHeader(c.status)
		rw.Write(c.body)
	})
	t := &http.Transport{}
	b.Cleanup(t.CloseIdleConnections)
	return w.URL, t
}

func both(b *testing.B, c *canned, byHand func(*testing.B, *hand), byClient func(*testing.B, *dataverse.Client)) {
	for _, place := range []string{"memory", "socket"} {
		root, transport := "https://contoso.crm4.dynamics.com", http.RoundTripper(c)
		if place == "socket" {
			root, transport = served(b, c)
		}
		b.Run(place+"/hand", func(b *testing.B) {
			b.ReportAllocs()
			h := &hand{&http.Client{Transport: transport}, root + "/api/data/v9.2/"}
			for b.Loop() {
				byHand(b, h)
			}
		})
		b.Run(place+"/client", func(b *testing.B) {
			b.ReportAllocs()
			client, err := dataverse.New(root, token("t0ken"), &dataverse.Options{HTTP: transport})
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				byClient(b, client)
			}
		})
	}
}

var jsonHeader = http.Header{"Content-Type": {"application/json; odata.metadata=minimal"}}

func rowJSON(i int) string {
	return fmt.Sprintf(`{"@odata.etag":"W/\"%d\"","contactid":"00000000-0000-0000-0000-%012d","fullname":"Ada Lovelace %d","emailaddress1":"ada%d@example.com","telephone1":"+45 12 34 56 78","_parentcustomerid_value":"00000000-0000-0000-0001-%012d","creditlimit":20000.0000,"statecode":0,"createdon":"2024-04-04T20:00:00Z"}`, i, i, i, i, i)
}

var contactColumns = []string{"contactid", "fullname", "emailaddress1", "telephone1", "_parentcustomerid_value", "creditlimit", "statecode", "createdon"}

func BenchmarkRead5000Rows(b *testing.B) {
	rows := make([]string, 5000)
	for i := range rows {
		rows[i] = rowJSON(i)
	}
	page := &canned{jsonHeader, 200, []byte(`{"@odata.context":"x","value":[` + strings.Join(rows, ",") + `]}`)}
	both(b, page, func(b *testing.B, h *hand) {
		_, data := h.do(b, "GET", "contacts?$select="+strings.Join(contactColumns, ","), nil)
		var doc struct {
			Value []map[string]any `json:"value"`
		}
		d := json.NewDecoder(bytes.NewReader(data))
		d.UseNumber()
		if err := d.Decode(&doc); err != nil || len(doc.Value) != 5000 {
			b.Fatal(err)
		}
	}, func(b *testing.B, c *dataverse.Client) {
		n := 0
		for _, err := range c.Query(b.Context(), &dataverse.Query{EntitySet: "contacts", Select: contactColumns}) {
			if err != nil {
				b.Fatal(err)
			}
			n++
		}
		if n != 5000 {
			b.Fatal(n)
		}
	})
}

func BenchmarkPointReads1000(b *testing.B) {
	row := &canned{jsonHeader, 200, []byte(rowJSON(1))}
	both(b, row, func(b *testing.B, h *hand) {
		for range 1000 {
			_, data := h.do(b, "GET", "contacts("+string(idA)+")?$select="+strings.Join(contactColumns, ","), nil)
			var r map[string]any
			d := json.NewDecoder(bytes.NewReader(data))
			d.UseNumber()
			if err := d.Decode(&r); err != nil {
				b.Fatal(err)
			}
		}
	}, func(b *testing.B, c *dataverse.Client) {
		q := &dataverse.Query{EntitySet: "contacts", ID: idA, Select: contactColumns}
		for range 1000 {
			if _, err := c.Get(b.Context(), q); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkChangeSets100Of5(b *testing.B) {
	var answer strings.Builder
	answer.WriteString("--batchresponse_1\r\nContent-Type: multipart/mixed; boundary=changesetresponse_1\r\n\r\n")
	for i := range 5 {
		fmt.Fprintf(&answer, "--changesetresponse_1\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\nContent-ID: %d\r\n\r\nHTTP/1.1 204 No Content\r\nOData-Version: 4.0\r\nLocation: https://x/api/data/v9.2/contacts(%s)\r\nOData-EntityId: https://x/api/data/v9.2/contacts(%[2]s)\r\n\r\n\r\n", i+1, idA)
	}
	answer.WriteString("--changesetresponse_1--\r\n--batchresponse_1--\r\n")
	c := &canned{http.Header{"Content-Type": {"multipart/mixed; boundary=batchresponse_1"}}, 200, []byte(answer.String())}

	both(b, c, func(b *testing.B, h *hand) {
		for range 100 {
			var body bytes.Buffer
			body.WriteString("--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n")
			for i := range 5 {
				row, err := json.Marshal(map[string]any{"contactid": idA, "firstname": "Ada", "lastname": "Lovelace", "telephone1": "+45 12 34 56 78"})
				if err != nil {
					b.Fatal(err)
				}
				fmt.Fprintf(&body, "--c\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\nContent-ID: %d\r\n\r\nPOST /api/data/v9.2/contacts HTTP/1.1\r\nContent-Type: application/json\r\n\r\n%s\r\n", i+1, row)
			}
			body.WriteString("--c--\r\n--b--\r\n")
			resp, data := h.do(b, "POST", "$batch", body.Bytes(), "Content-Type", "multipart/mixed; boundary=b")
			if n := handRead(b, resp.Header.Get("Content-Type"), data); n != 5 {
				b.Fatal(n)
			}
		}
	}, func(b *testing.B, c *dataverse.Client) {
		for range 100 {
			cs := &dataverse.ChangeSet{Writes: make([]dataverse.Write, 5)}
			for i := range cs.Writes {
				cs.Writes[i] = dataverse.Write{
					Operation: dataverse.Create, Table: "contact", EntitySet: "contacts", PrimaryKey: "contactid", ID: idA,
					Body: []dataverse.Property{{Name: "firstname", Value: "Ada"}, {Name: "lastname", Value: "Lovelace"}, {Name: "telephone1", Value: "+45 12 34 56 78"}},
				}
			}
			if _, err := c.Apply(b.Context(), cs); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// handRead reads a batch answer with the standard library, and counts.
func handRead(b *testing.B, contentType string, data []byte) (n int) {
	_, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		b.Fatal(err)
	}
	outer := multipart.NewReader(bytes.NewReader(data), params["boundary"])
	for {
		part, err := outer.NextRawPart()
		if errors.Is(err, io.EOF) {
			return n
		}
		if err != nil {
			b.Fatal(err)
		}
		_, params, err := mime.ParseMediaType(part.Header.Get("Content-Type"))
		if err != nil {
			b.Fatal(err)
		}
		inner := multipart.NewReader(part, params["boundary"])
		for {
			member, err := inner.NextRawPart()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				b.Fatal(err)
			}
			content, err := io.ReadAll(member)
			if err != nil {
				b.Fatal(err)
			}
			status, headers, _ := strings.Cut(string(content), "\r\n")
			if !strings.Contains(status, " 204 ") || !strings.Contains(headers, "OData-EntityId: ") {
				b.Fatal(status)
			}
			n++
		}
	}
}

// BenchmarkBulk50000Creates creates rows in the simulator, which refuses more
// than 6 requests at a time in the throttled case. By hand: CreateMultiple of
// 1,000 with four workers, the best fixed number on two cores, which wait as
// Retry-After says.
func BenchmarkBulk50000Creates(b *testing.B) {
	const rows = 50000
	for _, limits := range []simulator.Limits{{}, {Concurrent: 6}} {
		name := "free"
		if limits.Concurrent > 0 {
			name = "throttled"
		}
		b.Run(name+"/hand", func(b *testing.B) {
			for b.Loop() {
				s := simulator.NewServer(nil, nil)
				s.Limit(limits)
				bearer := s.Entra.Bearer(simulator.AdministratorEmail)
				handBulk(b, s.URL, bearer, rows)
				s.Close()
			}
			b.ReportMetric(rows*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
		})
		b.Run(name+"/client", func(b *testing.B) {
			for b.Loop() {
				s := simulator.NewServer(nil, nil)
				s.Limit(limits)
				c, err := dataverse.New(s.URL, token(s.Entra.Bearer(simulator.AdministratorEmail)), nil)
				if err != nil {
					b.Fatal(err)
				}
				cs := &dataverse.ChangeSet{Writes: make([]dataverse.Write, rows)}
				for i := range cs.Writes {
					cs.Writes[i] = dataverse.Write{
						Operation: dataverse.Create, Table: "contact", EntitySet: "contacts", PrimaryKey: "contactid",
						Body: []dataverse.Property{{Name: "firstname", Value: "Ada"}, {Name: "lastname", Value: "Lovelace"}},
					}
				}
				written, err := c.Bulk(b.Context(), cs, nil)
				if err != nil {
					b.Fatal(err)
				}
				for i := range written {
					if written[i].Err != nil {
						b.Fatal(written[i].Err)
					}
				}
				s.Close()
			}
			b.ReportMetric(rows*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

func handBulk(b *testing.B, origin, bearer string, rows int) {
	const chunk, workers = 1000, 4
	work := make(chan int, rows/chunk)
	for i := range rows / chunk {
		work <- i
	}
	close(work)
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for range work {
				targets := make([]map[string]any, chunk)
				for i := range targets {
					targets[i] = map[string]any{"@odata.type": "Microsoft.Dynamics.CRM.contact", "firstname": "Ada", "lastname": "Lovelace"}
				}
				body, err := json.Marshal(map[string]any{"Targets": targets})
				if err != nil {
					b.Error(err)
					return
				}
				for {
					req, _ := http.NewRequest("POST", origin+"/api/data/v9.2/contacts/Microsoft.Dynamics.CRM.CreateMultiple", bytes.NewReader(body))
					req.Header.Set("Authorization", "Bearer "+bearer)
					req.Header.Set("Content-Type", "application/json")
					req.Header.Set("OData-Version", "4.0")
					resp, err := http.DefaultClient.Do(req)
					if err != nil {
						b.Error(err)
						return
					}
					var doc struct{ Ids []string }
					_ = json.NewDecoder(resp.Body).Decode(&doc)
					resp.Body.Close()
					if resp.StatusCode == http.StatusTooManyRequests {
						d, _ := time.ParseDuration(resp.Header.Get("Retry-After") + "s")
						time.Sleep(d)
						continue
					}
					if len(doc.Ids) != chunk {
						b.Error(resp.Status)
					}
					break
				}
			}
		})
	}
	wg.Wait()
}
