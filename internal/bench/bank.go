package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/andmoneyaps/engage-playbooks/dataverse/simulator"
	"github.com/andmoneyaps/engage-playbooks/playbook"
)

// bank is the workspace of the scenarios that have no example.
const bank = "internal/bench/workspace"

// attendance updates a meeting when it has ended: one read, one write.
func (r *Runner) attendance(ctx context.Context) ([]Figure, error) {
	p, err := r.newPlay(ctx, bank, "attendance", "events/attendance.json")
	if err != nil {
		return nil, err
	}
	defer p.service.stop()
	return r.latencies(ctx, p, "attendance", attendedByHand)
}

func attendedByHand(ctx context.Context, h *hand, ev *playbook.Event) error {
	data := ev.Data.(map[string]any)
	id := data["MeetingId"].(string)
	found, err := h.rows(ctx, "appointments?$select=activityid,subject,description,location,scheduledstart,scheduledend&$filter=activityid%20eq%20"+id+"&$orderby=activityid%20asc")
	if err != nil {
		return err
	}
	if len(found) != 1 {
		return errors.New("no meeting")
	}
	var names []string
	for _, a := range data["Attendance"].([]any) {
		names = append(names, a.(map[string]any)["Name"].(string))
	}
	start, err := time.Parse(time.RFC3339, data["StartedAt"].(string))
	if err != nil {
		return err
	}
	end, err := time.Parse(time.RFC3339, data["EndedAt"].(string))
	if err != nil {
		return err
	}
	return h.write(ctx, "PATCH", "appointments("+id+")", row{
		"location": found[0]["subject"], "description": strings.Join(names, ", "),
		"scheduledstart": start.UTC().Format(time.RFC3339), "scheduledend": end.UTC().Format(time.RFC3339),
	}, "If-Match", "*")
}

// bulk is a playbook over many records: one for each item of the event's list.
type bulk struct {
	name, playbook, event, list string
	item                        func(i int) any
	byHand                      byHand
}

// syncs upserts all employees of a directory by their user name: all of them
// are known after the first run, which is not counted.
var syncs = &bulk{"employee sync", "employee-sync", "events/employees.json", "Employees", employee, employeesByHand}

func employee(i int) any {
	return row{"UserName": fmt.Sprintf("user%d@bank.example", i), "Name": fmt.Sprintf("Employee %d", i), "Department": "Advice", "Active": i%7 > 0}
}

// imports creates the notes of another system.
var imports = &bulk{"note import", "note-import", "events/notes.json", "Notes", note, notesByHand}

func note(i int) any {
	return row{"Subject": fmt.Sprintf("Note %d", i), "Text": "The customer asked about a fixed rate, and will call back in the spring."}
}

func (r *Runner) employeeSync(ctx context.Context) ([]Figure, error) { return r.bulkRun(ctx, syncs) }

func (r *Runner) noteImport(ctx context.Context) ([]Figure, error) { return r.bulkRun(ctx, imports) }

// fill gives the event n items.
func (b *bulk) fill(p *play, n int) {
	items := make([]any, n)
	for i := range items {
		items[i] = b.item(i)
	}
	p.event.Data.(map[string]any)[b.list] = items
}

// bulkRun measures one run over many records, and what its memory is over that
// of 1,000.
func (r *Runner) bulkRun(ctx context.Context, b *bulk) ([]Figure, error) {
	p, err := r.newPlay(ctx, bank, b.playbook, b.event)
	if err != nil {
		return nil, err
	}
	defer p.service.stop()
	s, _, _, err := p.pair(ctx, 0, b.byHand)
	if err != nil {
		return nil, err
	}
	n := r.pick(10_000, 50_000)
	b.fill(p, 1000)
	few, err := peak(func() error { return s.ours(0) })
	if err != nil {
		return nil, err
	}
	b.fill(p, n)
	c, err := compare(s, 5, 1)
	if err != nil {
		return nil, err
	}
	many, err := peak(func() error { return s.ours(0) })
	if err != nil {
		return nil, err
	}
	hands, err := peak(func() error { return s.hand(0) })
	if err != nil {
		return nil, err
	}
	name := fmt.Sprintf("%s of %d", b.name, n)
	figures := []Figure{
		c.figure(name, atLeast(0.9), "throughput"), c.figure(name, Goal{}, "CPU"), c.figure(name, Goal{}, "allocations"),
		{
			Name: name + ": peak memory over a run of 1,000", Goal: atMost(32), Unit: "MiB", Value: mebibytes(int64(many) - int64(few)),
			Note: fmt.Sprintf("%.0f MiB beyond the event, 1,000 take %.0f, by hand %.0f", mebibytes(int64(many)), mebibytes(int64(few)), mebibytes(int64(hands))),
		},
	}
	more, err := r.bulkElsewhere(ctx, b, p)
	return append(figures, more...), err
}

// bulkElsewhere measures throughput where the service is further away, and
// where it allows few requests at once.
func (r *Runner) bulkElsewhere(ctx context.Context, b *bulk, p *play) ([]Figure, error) {
	const n = 10_000
	var figures []Figure
	for _, delay := range delays[1:] {
		b.fill(p, n)
		s, ours, byhand, err := p.pair(ctx, delay, b.byHand)
		if err != nil {
			return figures, err
		}
		c, err := compare(s, r.pick(5, 7), 1)
		if err != nil {
			return figures, err
		}
		x, y, err := traffics(s, ours, byhand)
		if err != nil {
			return figures, err
		}
		f := c.figure(fmt.Sprintf("%s of %d, %v", b.name, n, delay), atLeast(0.9), "throughput")
		f.Note += fmt.Sprintf("; %d requests in %d round trips, by hand %d in %d", x.requests, x.rounds, y.requests, y.rounds)
		figures = append(figures, f)
	}
	const allowed = 3
	limited, err := r.newPlay(ctx, bank, b.playbook, b.event, simulator.Limits{Concurrent: allowed})
	if err != nil {
		return figures, err
	}
	defer limited.service.stop()
	b.fill(limited, n)
	s, _, _, err := limited.pair(ctx, 0, b.byHand)
	if err != nil {
		return figures, err
	}
	c, err := compare(s, r.pick(5, 7), 1)
	if err != nil {
		return figures, err
	}
	return append(figures, c.figure(fmt.Sprintf("%s of %d, %d requests at once allowed", b.name, n, allowed), atLeast(0.9), "throughput")), nil
}

// employeesByHand finds who is known, 1,000 names a request, then upserts by
// id, 1,000 rows a request; four requests at a time.
func employeesByHand(ctx context.Context, h *hand, ev *playbook.Event) error {
	items := ev.Data.(map[string]any)["Employees"].([]any)
	return h.chunks(len(items), func(from, to int) error {
		names := make([]string, 0, to-from)
		for _, it := range items[from:to] {
			names = append(names, it.(row)["UserName"].(string))
		}
		known := map[string]string{}
		found, err := h.batchedRows(ctx, "bank_employees?$select=bank_employeeid,bank_username&$filter="+in("bank_username", names))
		if err != nil {
			return err
		}
		for _, f := range found {
			known[f["bank_username"].(string)] = f["bank_employeeid"].(string)
		}
		targets := make([]row, 0, to-from)
		for _, it := range items[from:to] {
			e := it.(row)
			name := e["UserName"].(string)
			id := known[name]
			if id == "" {
				id = idOf(ev, name)
			}
			targets = append(targets, row{
				"@odata.type": "Microsoft.Dynamics.CRM.bank_employee", "bank_employeeid": id, "bank_username": name,
				"bank_name": e["Name"], "bank_department": e["Department"], "bank_active": e["Active"],
			})
		}
		_, err = h.multiple(ctx, "bank_employees", "UpsertMultiple", targets)
		return err
	})
}

// notesByHand creates notes 1,000 a $batch, since their table has no bulk
// messages; four requests at a time.
func notesByHand(ctx context.Context, h *hand, ev *playbook.Event) error {
	data := ev.Data.(map[string]any)
	about := "/accounts(" + data["AccountId"].(string) + ")"
	items := data["Notes"].([]any)
	return h.chunks(len(items), func(from, to int) error {
		var body bytes.Buffer
		for i, it := range items[from:to] {
			n := it.(row)
			text, err := json.Marshal(row{"annotationid": idOf(ev, "note "+strconv.Itoa(from+i)), "subject": n["Subject"], "notetext": n["Text"], "objectid_account@odata.bind": about})
			if err != nil {
				return err
			}
			fmt.Fprintf(&body, "--b\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\nPOST /api/data/v9.2/annotations HTTP/1.1\r\nContent-Type: application/json\r\n\r\n%s\r\n", text)
		}
		body.WriteString("--b--\r\n")
		resp, err := h.send(ctx, "POST", "$batch", body.Bytes(), "Content-Type", "multipart/mixed; boundary=b", "Prefer", "odata.continue-on-error")
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		answer, err := io.ReadAll(resp.Body)
		if err != nil {
			return err
		}
		return counted(bytes.Count(answer, []byte("HTTP/1.1 204")), to-from)
	})
}

// chunks does 1,000 at a time, four times at once.
func (h *hand) chunks(n int, do func(from, to int) error) error {
	const chunk, workers = 1000, 4
	var g errgroup.Group
	g.SetLimit(workers)
	for from := 0; from < n; from += chunk {
		g.Go(func() error { return do(from, min(from+chunk, n)) })
	}
	return g.Wait()
}

// batchedRows sends a query that is too long for a URL.
func (h *hand) batchedRows(ctx context.Context, path string) ([]row, error) {
	body := "--b\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\nGET /api/data/v9.2/" + path + " HTTP/1.1\r\nAccept: application/json\r\nPrefer: odata.maxpagesize=5000\r\n\r\n\r\n--b--\r\n"
	resp, err := h.send(ctx, "POST", "$batch", []byte(body), "Content-Type", "multipart/mixed; boundary=b")
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	at := bytes.IndexByte(answer, '{')
	if at < 0 {
		return nil, errors.New("no answer in the batch: " + url.QueryEscape(string(answer[:min(len(answer), 200)])))
	}
	var page struct {
		Value []row `json:"value"`
	}
	err = json.NewDecoder(bytes.NewReader(answer[at:])).Decode(&page)
	return page.Value, err
}
