package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/andmoneyaps/engage-playbooks/dataverse"
)

var contactColumns = []string{"contactid", "fullname", "emailaddress1", "telephone1", "_parentcustomerid_value", "creditlimit", "statecode", "createdon"}

// newClient makes the client of the service, and the hand-written one.
func newClient(s *service, delay time.Duration) (*dataverse.Client, *hand, error) {
	c, err := dataverse.New(s.URL, bearer(s.Admin), &dataverse.Options{HTTP: newRoad(delay)})
	return c, newHand(s, s.Admin, newRoad(delay)), err
}

// client compares the Dataverse client with net/http and encoding/json.
func (r *Runner) client(ctx context.Context) ([]Figure, error) {
	canned, err := r.start(ctx, "rows", "5000")
	if err != nil {
		return nil, err
	}
	defer canned.stop()
	simulated, err := r.start(ctx, "simulator")
	if err != nil {
		return nil, err
	}
	defer simulated.stop()
	var figures []Figure
	for _, work := range []struct {
		name    string
		service *service
		sides   func(c *dataverse.Client, h *hand) sides
	}{
		{"client: read of 5,000 rows", canned, func(c *dataverse.Client, h *hand) sides { return readRows(ctx, c, h, 5000) }},
		{"client: 1,000 point reads", simulated, func(c *dataverse.Client, h *hand) sides { return pointReads(ctx, c, h) }},
		{"client: 100 change sets of 5", simulated, func(c *dataverse.Client, h *hand) sides { return changeSets(ctx, c, h) }},
	} {
		c, h, err := newClient(work.service, 0)
		if err != nil {
			return nil, err
		}
		compared, err := compare(work.sides(c, h), r.pick(7, 15), r.pick(1, 3))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", work.name, err)
		}
		figures = append(figures, compared.figure(work.name, atMost(1.3), "CPU"), compared.figure(work.name, atMost(1.5), "allocations"), compared.figure(work.name, Goal{}, "wall"))
	}
	return figures, nil
}

// readRows reads all pages of contacts, and drops the rows.
func readRows(ctx context.Context, c *dataverse.Client, h *hand, want int) sides {
	return sides{
		ours: func(int) error {
			n := 0
			for _, err := range c.Query(ctx, &dataverse.Query{EntitySet: "contacts", Select: contactColumns}) {
				if err != nil {
					return err
				}
				n++
			}
			return counted(n, want)
		},
		hand: func(int) error {
			n := 0
			for path := "contacts?$select=" + strings.Join(contactColumns, ","); path != ""; {
				var page struct {
					Value []row  `json:"value"`
					Next  string `json:"@odata.nextLink"`
				}
				if err := h.read(ctx, path, &page); err != nil {
					return err
				}
				n += len(page.Value)
				path = strings.TrimPrefix(page.Next, h.root)
			}
			return counted(n, want)
		},
	}
}

func counted(n, want int) error {
	if n != want {
		return fmt.Errorf("%d rows, %d expected", n, want)
	}
	return nil
}

const administrator = "2f6e1c52-7a0d-4a53-9a3e-77f0c2b4e001" // simulator.AdministratorID

func pointReads(ctx context.Context, c *dataverse.Client, h *hand) sides {
	columns := []string{"systemuserid", "fullname", "internalemailaddress", "domainname", "createdon"}
	q := &dataverse.Query{EntitySet: "systemusers", ID: administrator, Select: columns}
	path := "systemusers(" + administrator + ")?$select=" + strings.Join(columns, ",")
	return sides{
		ours: func(int) error {
			for range 1000 {
				if _, err := c.Get(ctx, q); err != nil {
					return err
				}
			}
			return nil
		},
		hand: func(int) error {
			for range 1000 {
				resp, err := h.send(ctx, "GET", path, nil)
				if err != nil {
					return err
				}
				d := json.NewDecoder(resp.Body)
				d.UseNumber()
				var found row
				err = d.Decode(&found)
				resp.Body.Close()
				if err != nil {
					return err
				}
			}
			return nil
		},
	}
}

func changeSets(ctx context.Context, c *dataverse.Client, h *hand) sides {
	return sides{
		ours: func(int) error {
			for range 100 {
				cs := &dataverse.ChangeSet{Writes: make([]dataverse.Write, 5)}
				for i := range cs.Writes {
					cs.Writes[i] = contactWrite(dataverse.GUID(newID()))
				}
				if _, err := c.Apply(ctx, cs); err != nil {
					return err
				}
			}
			return nil
		},
		hand: func(int) error {
			for range 100 {
				writes := make([]operation, 5)
				for i := range writes {
					writes[i] = operation{"POST", "contacts", row{"contactid": newID(), "firstname": "Ada", "lastname": "Lovelace", "telephone1": "+45 12 34 56 78"}}
				}
				if err := h.changeSet(ctx, writes...); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

func contactWrite(id dataverse.GUID) dataverse.Write {
	return dataverse.Write{
		Operation: dataverse.Create, Table: "contact", EntitySet: "contacts", PrimaryKey: "contactid", ID: id,
		Body: []dataverse.Property{{Name: "firstname", Value: "Ada"}, {Name: "lastname", Value: "Lovelace"}, {Name: "telephone1", Value: "+45 12 34 56 78"}},
	}
}

// stream reads many rows and holds one page at a time.
func (r *Runner) stream(ctx context.Context) ([]Figure, error) {
	n := r.pick(200_000, 1_000_000)
	many, err := r.start(ctx, "rows", fmt.Sprint(n))
	if err != nil {
		return nil, err
	}
	defer many.stop()
	few, err := r.start(ctx, "rows", "5000")
	if err != nil {
		return nil, err
	}
	defer few.stop()
	c, h, err := newClient(many, 0)
	if err != nil {
		return nil, err
	}
	small, hs, err := newClient(few, 0)
	if err != nil {
		return nil, err
	}
	one := readRows(ctx, small, hs, 5000)
	all := readRows(ctx, c, h, n)
	name := fmt.Sprintf("stream of %d rows", n)
	compared, err := compare(all, r.pick(5, 5), 1)
	if err != nil {
		return nil, err
	}
	var least, most, byHand uint64
	for _, m := range []struct {
		into *uint64
		work func(int) error
	}{{&least, one.ours}, {&most, all.ours}, {&byHand, all.hand}} {
		if *m.into, err = peak(func() error { return m.work(0) }); err != nil {
			return nil, err
		}
	}
	return []Figure{
		compared.figure(name, atMost(1.3), "CPU"), compared.figure(name, atMost(1.5), "allocations"), compared.figure(name, atLeast(0.9), "throughput"),
		{
			Name: name + ": peak memory over one page's", Goal: atMost(32), Unit: "MiB", Value: mebibytes(int64(most) - int64(least)),
			Note: fmt.Sprintf("%.1f MiB, one page %.1f, by hand %.1f", mebibytes(int64(most)), mebibytes(int64(least)), mebibytes(int64(byHand))),
		},
	}, nil
}

func mebibytes(n int64) float64 { return float64(n) / (1 << 20) }
