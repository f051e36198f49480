package simulator

import (
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
)

var large = flag.Bool("large", false, "run tests that need gigabytes")

// fill adds n contacts with 15 columns, every thousandth of them of the first
// account, and gives their ids.
func fill(tb testing.TB, s *Server, n int) []guid {
	tb.Helper()
	ids := make([]guid, n)
	t := s.schema.Table("contact")
	accounts := s.schema.Table("account")
	c := &call{server: s, caller: &actor{user: mustGUID(AdministratorID)}, now: s.now()}
	err := s.store.write(func(tx *txn) error {
		c.tx, c.view = tx, &tx.view
		parents := make([]any, n/10+1)
		for i := range parents {
			d := newDraft(accounts)
			d.put(accounts.Column("name"), fmt.Sprintf("Account %d", i))
			r, err := tx.insert(accounts, newGUID(), d)
			if err != nil {
				return err
			}
			parents[i] = ref{accounts, r.id}
		}
		for i := range ids {
			ids[i] = newGUID()
			d := newDraft(t)
			for _, column := range []struct {
				name  string
				value any
			}{
				{"firstname", fmt.Sprintf("First %d", i%5000)}, {"lastname", fmt.Sprintf("Last %d", i)},
				{"emailaddress1", fmt.Sprintf("person%d@example.com", i)}, {"telephone1", fmt.Sprintf("+45 %08d", i)},
				{"mobilephone", fmt.Sprintf("+46 %08d", i)}, {"jobtitle", "Advisor"}, {"department", "Sales"},
				{"address1_line1", fmt.Sprintf("%d Main Street", i)}, {"address1_city", "Copenhagen"}, {"address1_postalcode", fmt.Sprintf("%05d", i%100000)},
				{"birthdate", day(i % 20000)}, {"gendercode", int64(1 + i%2)}, {"donotemail", i%3 == 0},
				{"annualincome", decimal{int64(i), 2}}, {"parentcustomerid", parents[i/10]},
			} {
				d.put(t.Column(column.name), column.value)
			}
			if err := c.complete(d, nil); err != nil {
				return err
			}
			if _, err := tx.insert(t, ids[i], d); err != nil {
				return err
			}
			if len(tx.undo) > 1<<16 {
				tx.undo = tx.undo[:0] // nothing of this is rolled back
			}
		}
		return nil
	})
	if err != nil {
		tb.Fatal(err)
	}
	return ids
}

func get(tb testing.TB, client *http.Client, url string) {
	resp, err := client.Get(url)
	if err != nil {
		tb.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
	if resp.StatusCode != 200 {
		tb.Fatalf("%s: %d", url, resp.StatusCode)
	}
}

// BenchmarkGetByKey compares a read of one row over a socket with a bare
// handler that answers the same bytes.
func BenchmarkGetByKey(b *testing.B) {
	s := NewServer(nil, nil)
	defer s.Close()
	id := fill(b, s, 100)[7]
	path := "/api/data/v9.2/contacts(" + id.String() + ")?$select=fullname,emailaddress1"
	b.Run("simulator", func(b *testing.B) {
		for b.Loop() {
			get(b, s.Client(), s.URL+path)
		}
	})
	resp, err := s.Client().Get(s.URL + path)
	if err != nil {
		b.Fatal(err)
	}
	canned, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	bare := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", jsonType)
		_, _ = w.Write(canned)
	}))
	defer bare.Close()
	b.Run("canned", func(b *testing.B) {
		for b.Loop() {
			get(b, bare.Client(), bare.URL+path)
		}
	})
}

// BenchmarkStart is to cost less than ten of its own warm requests.
func BenchmarkStart(b *testing.B) {
	NewServer(nil, nil).Close()
	b.Run("start", func(b *testing.B) {
		for b.Loop() {
			NewServer(nil, nil).Close()
		}
	})
	s := NewServer(nil, nil)
	defer s.Close()
	b.Run("ten requests", func(b *testing.B) {
		for b.Loop() {
			for range 10 {
				get(b, s.Client(), s.URL+"/api/data/v9.2/systemusers?$select=fullname")
			}
		}
	})
}

// BenchmarkLookupQuery costs the same whatever the table's size. The sizes
// take turns, five times, since filling the large one takes much longer.
func BenchmarkLookupQuery(b *testing.B) {
	if testing.Short() {
		b.Skip("a million rows in -short")
	}
	type filled struct {
		n      int
		client *http.Client
		url    string
	}
	var tables []filled
	for _, n := range []int{1000, 1000000} {
		s := NewServer(nil, &Options{NoListener: true})
		defer s.Close()
		ids := fill(b, s, n)
		t := s.schema.Table("contact")
		x, _ := s.store.tables[t.ordinal].byID[ids[n/2]].ref(t.Column("parentcustomerid"))
		f := filled{n, s.Client(), s.URL + "/api/data/v9.2/contacts?$select=fullname&$filter=_parentcustomerid_value%20eq%20" + x.id.String()}
		get(b, f.client, f.url)
		tables = append(tables, f)
	}
	for range 5 {
		for _, f := range tables {
			b.Run(fmt.Sprint(f.n), func(b *testing.B) {
				runtime.GC()
				for b.Loop() {
					get(b, f.client, f.url)
				}
			})
		}
	}
}

// BenchmarkScan compares a filter over 100,000 rows with a hand-written loop
// over the same rows as maps.
func BenchmarkScan(b *testing.B) {
	s := NewServer(nil, &Options{NoListener: true})
	defer s.Close()
	fill(b, s, 100000)
	url := s.URL + "/api/data/v9.2/contacts/$count?$filter=contains(lastname,'77777')%20and%20gendercode%20eq%202"
	b.Run("simulator", func(b *testing.B) {
		for b.Loop() {
			get(b, s.Client(), url)
		}
	})
	rows := s.Records("contacts")
	b.Run("maps", func(b *testing.B) {
		for b.Loop() {
			n := 0
			for _, row := range rows {
				name, _ := row["lastname"].(string)
				gender, _ := row["gendercode"].(float64)
				if strings.Contains(strings.ToLower(name), "77777") && gender == 2 {
					n++
				}
			}
			if n == 0 {
				b.Fatal("nothing found")
			}
		}
	})
}

// TestMillionContacts: a million contacts with 15 columns fit in 2 GiB.
func TestMillionContacts(t *testing.T) {
	if testing.Short() || !*large {
		t.Skip("run with -large")
	}
	heap, system := millionContacts(t)
	t.Logf("heap %d MiB, from the system %d MiB", heap>>20, system>>20)
	if heap > 2<<30 {
		t.Errorf("the heap holds %d MiB", heap>>20)
	}
}

// BenchmarkMillionContacts gives what they hold, what the process took from
// the system for it, and the time to fill the store.
func BenchmarkMillionContacts(b *testing.B) {
	if testing.Short() {
		b.Skip("a million rows in -short")
	}
	for b.Loop() {
		heap, system := millionContacts(b)
		b.ReportMetric(float64(heap)/(1<<20), "MiB-heap")
		b.ReportMetric(float64(system)/(1<<20), "MiB-system")
	}
}

func millionContacts(tb testing.TB) (heap, system uint64) {
	s := NewServer(nil, &Options{NoListener: true})
	defer s.Close()
	fill(tb, s, 1000000)
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	runtime.KeepAlive(s)
	return m.HeapAlloc, m.Sys
}
