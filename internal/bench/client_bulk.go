package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/andmoneyaps/engage-playbooks/dataverse"
	"github.com/andmoneyaps/engage-playbooks/dataverse/simulator"
)

// clientBulk creates rows in bulk, with and without limits that count.
func (r *Runner) clientBulk(ctx context.Context) ([]Figure, error) {
	var figures []Figure
	n := r.pick(20_000, 50_000)
	for _, where := range []struct {
		name   string
		delay  time.Duration
		limits []simulator.Limits
		n      int
	}{
		{"", 0, nil, n},
		{", 5ms", 5 * time.Millisecond, nil, 20_000},
		{", 40ms", 40 * time.Millisecond, nil, 20_000},
		{", 3 requests at once allowed", 0, []simulator.Limits{{Concurrent: 3}}, n},
	} {
		n := where.n
		name := fmt.Sprintf("bulk of %d creates%s", n, where.name)
		s, err := r.start(ctx, append([]string{"simulator"}, limitArgs(where.limits)...)...)
		if err != nil {
			return nil, err
		}
		defer s.stop()
		road := newRoad(where.delay)
		h := newHand(s, s.Admin, road)
		workers, err := h.bestWorkers(ctx, n/5)
		if err != nil {
			return nil, err
		}
		c, err := dataverse.New(s.URL, bearer(s.Admin), &dataverse.Options{HTTP: road})
		if err != nil {
			return nil, err
		}
		compared, err := compare(sides{
			ours: func(int) error { return bulkCreate(ctx, c, n) },
			hand: func(int) error { return h.createMultiple(ctx, n, workers) },
		}, r.pick(5, 7), 1)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		f := compared.figure(name, atLeast(0.9), "throughput")
		f.Note += fmt.Sprintf(" with %d workers", workers)
		figures = append(figures, f)
		if workers > hintedWorkers {
			// What the client may not do for the service's hint is not the
			// client's doing.
			kept, err := compare(sides{
				ours: func(int) error { return bulkCreate(ctx, c, n) },
				hand: func(int) error { return h.createMultiple(ctx, n, hintedWorkers) },
			}, r.pick(5, 7), 1)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			f := kept.figure(name+", by hand within the service's hint", Goal{}, "throughput")
			f.Note += fmt.Sprintf(" with %d workers", hintedWorkers)
			figures = append(figures, f)
		}
		if where.name == "" {
			figures = append(figures, compared.figure(name, Goal{}, "CPU"), compared.figure(name, Goal{}, "allocations"))
		}
	}
	return figures, nil
}

// hintedWorkers is the parallelism that the simulator recommends, beyond which
// the client does not go.
const hintedWorkers = 4

func bulkCreate(ctx context.Context, c *dataverse.Client, n int) error {
	cs := &dataverse.ChangeSet{Writes: make([]dataverse.Write, n)}
	for i := range cs.Writes {
		cs.Writes[i] = contactWrite("")
	}
	written, err := c.Bulk(ctx, cs, nil)
	if err != nil {
		return err
	}
	for i := range written {
		if written[i].Err != nil {
			return written[i].Err
		}
	}
	return nil
}

// bestWorkers tries which fixed parallelism is the best for the service.
func (h *hand) bestWorkers(ctx context.Context, n int) (best int, err error) {
	var least time.Duration
	for _, workers := range []int{2, 3, 4, 8} {
		start := time.Now()
		if err := h.createMultiple(ctx, n, workers); err != nil {
			return 0, err
		}
		if took := time.Since(start); best == 0 || took < least {
			best, least = workers, took
		}
	}
	return best, nil
}

// createMultiple is the loop that one would write: CreateMultiple of 1,000,
// some at a time, waiting as Retry-After says.
func (h *hand) createMultiple(ctx context.Context, n, workers int) error {
	var g errgroup.Group
	g.SetLimit(workers)
	const chunk = 1000
	for from := 0; from < n; from += chunk {
		g.Go(func() error {
			targets := make([]row, min(chunk, n-from))
			for i := range targets {
				targets[i] = row{"@odata.type": "Microsoft.Dynamics.CRM.contact", "firstname": "Ada", "lastname": "Lovelace", "telephone1": "+45 12 34 56 78"}
			}
			ids, err := h.multiple(ctx, "contacts", "CreateMultiple", targets)
			if err == nil && ids != len(targets) {
				err = fmt.Errorf("%d of %d rows were made", ids, len(targets))
			}
			return err
		})
	}
	return g.Wait()
}

// multiple sends one bulk message and counts the ids of the answer.
func (h *hand) multiple(ctx context.Context, set, message string, targets []row) (ids int, err error) {
	body, err := json.Marshal(row{"Targets": targets})
	if err != nil {
		return 0, err
	}
	for {
		req, err := http.NewRequestWithContext(ctx, "POST", h.root+set+"/Microsoft.Dynamics.CRM."+message, strings.NewReader(string(body)))
		if err != nil {
			return 0, err
		}
		req.Header.Set("Authorization", "Bearer "+h.bearer)
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("OData-Version", "4.0")
		resp, err := h.http.Do(req)
		if err != nil {
			return 0, err
		}
		var doc struct{ Ids []string }
		err = json.NewDecoder(resp.Body).Decode(&doc)
		resp.Body.Close()
		switch {
		case resp.StatusCode == http.StatusTooManyRequests:
			wait, _ := time.ParseDuration(resp.Header.Get("Retry-After") + "s")
			time.Sleep(wait)
		case resp.StatusCode > 299:
			return 0, errors.New(resp.Status)
		case err != nil && !errors.Is(err, io.EOF):
			return 0, err
		default:
			return len(doc.Ids), nil
		}
	}
}
