package dataverse_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/andmoneyaps/engage-playbooks/dataverse"
	"github.com/andmoneyaps/engage-playbooks/dataverse/simulator"
)

func named(name string, id dataverse.GUID) dataverse.Write {
	return dataverse.Write{
		Operation: dataverse.Create, Table: "contact", EntitySet: "contacts", PrimaryKey: "contactid", ID: id,
		Body: []dataverse.Property{{Name: "lastname", Value: name}},
	}
}

// TestThrottledPartOfABatch meets each of the three limits within a batch: the
// answer's own header says nothing of when to come back, that of the part does.
func TestThrottledPartOfABatch(t *testing.T) {
	for _, kind := range []simulator.FaultKind{simulator.FaultRequests, simulator.FaultTime, simulator.FaultConcurrency} {
		for name, send := range map[string]func(context.Context, *dataverse.Client) error{
			"change set": func(ctx context.Context, c *dataverse.Client) error {
				_, err := c.Apply(ctx, &dataverse.ChangeSet{Writes: []dataverse.Write{named("A", ""), named("B", "")}})
				return err
			},
			"bulk": func(ctx context.Context, c *dataverse.Client) error {
				cs := &dataverse.ChangeSet{}
				for i := range 6 {
					w := named("X", numbered(i))
					w.Operation, w.IfMatch = dataverse.Update, "*" // goes by no bulk message
					cs.Writes = append(cs.Writes, w)
				}
				written, err := c.Bulk(ctx, cs, nil)
				for _, w := range written {
					if !errors.Is(w.Err, dataverse.ErrNotFound) {
						err = errors.Join(err, fmt.Errorf("want not found: %w", w.Err))
					}
				}
				return err
			},
			"queries": func(ctx context.Context, c *dataverse.Client) error {
				var err error
				for _, rows := range c.QueryAll(ctx, []*dataverse.Query{contacts(nil), contacts(nil), contacts(nil), contacts(nil), contacts(nil)}) {
					err = errors.Join(err, rows.Err)
				}
				return err
			},
			"long query": func(ctx context.Context, c *dataverse.Client) error {
				in := dataverse.In{Column: "contactid"}
				for i := range 900 {
					in.Values = append(in.Values, numbered(i))
				}
				for _, err := range c.Query(ctx, contacts(in)) {
					return err
				}
				return nil
			},
		} {
			t.Run(string(kind)+"/"+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s, c := simulated(t, nil)
					s.Fail(simulator.Fault{Kind: kind, Table: "contact", RetryAfter: "7"})
					start := time.Now()
					if err := send(t.Context(), c); err != nil {
						t.Fatal(err)
					}
					if d := time.Since(start); d < 7*time.Second || d > 8*time.Second {
						t.Errorf("came back after %v, asked to wait 7s", d)
					}
				})
			})
			t.Run(string(kind)+"/"+name+", beyond the cap", func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s, c := simulated(t, nil)
					s.Fail(simulator.Fault{Kind: kind, Table: "contact", RetryAfter: "3600", Count: -1})
					start := time.Now()
					err := send(t.Context(), c)
					var e *dataverse.Error
					if !errors.Is(err, dataverse.ErrThrottled) || !errors.As(err, &e) || e.RetryAfter != time.Hour || time.Since(start) > 0 {
						t.Errorf("%v after %v", err, time.Since(start))
					}
					if n := len(s.Requests()); n > 2 { // Bulk asks for the definition first
						t.Errorf("%d requests", n)
					}
				})
			})
		}
	}
}

// TestThrottledPartWhateverTheWhole says the same in all ways that a service
// may: the status of the whole is not to be relied on.
func TestThrottledPartWhateverTheWhole(t *testing.T) {
	refused := func(status, header, annotation string) string {
		return changeSetPart(2, status, header+"Content-Type: application/json\n", `{"error":{"code":"0x80072321","message":"x"`+annotation+`}}`)
	}
	for name, part := range map[string]string{
		"header":     refused("429 Too Many Requests", "Retry-After: 7\n", ""),
		"annotation": refused("429 Too Many Requests", "", `,"@Microsoft.PowerApps.CDS.ErrorDetails.Retry-After":"00:00:07"`),
		"seconds":    refused("429 Too Many Requests", "", `,"@Microsoft.PowerApps.CDS.ErrorDetails.Retry-After":"7"`),
		"503":        refused("503 Service Unavailable", "Retry-After: 7\n", ""),
	} {
		for _, outer := range []int{200, 400, 429, 503} {
			t.Run(fmt.Sprint(name, " in ", outer), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					done := ""
					for i, id := range []dataverse.GUID{idA, idB, idC} {
						done += changeSetPart(i+1, "204 No Content", "OData-EntityId: https://x/api/data/v9.2/x("+string(id)+")\n", "")
					}
					b := newBubble(t, dataverse.Options{}, changeSetAnswer(outer, part), changeSetAnswer(200, done))
					start := time.Now()
					written, err := b.Apply(t.Context(), meeting())
					if err != nil || written[2].ID != idC || len(b.sent) != 2 {
						t.Fatalf("%v after %d requests", err, len(b.sent))
					}
					if d := time.Since(start); d < 7*time.Second || d > 8*time.Second {
						t.Errorf("came back after %v, asked to wait 7s", d)
					}
				})
			})
		}
	}
	t.Run("retries are bounded", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			b := newBubble(t, dataverse.Options{MaxRetries: 3}, changeSetAnswer(200, refused("429 Too Many Requests", "Retry-After: 7\n", "")))
			_, err := b.Apply(t.Context(), meeting())
			var e *dataverse.Error
			if !errors.Is(err, dataverse.ErrThrottled) || !errors.As(err, &e) || e.Write != 1 || e.Source != "notes[0]" || len(b.sent) != 4 {
				t.Errorf("%v after %d requests", err, len(b.sent))
			}
		})
	})
}

// TestThrottledPartHoldsTheIdentityBack: what one batch learnt from a part is
// true for whatever the identity sends next.
func TestThrottledPartHoldsTheIdentityBack(t *testing.T) {
	for kind, wait := range map[simulator.FaultKind]time.Duration{
		simulator.FaultRequests: time.Minute, simulator.FaultTime: time.Minute, simulator.FaultConcurrency: 0,
	} {
		synctest.Test(t, func(t *testing.T) {
			s, c := simulated(t, &dataverse.Options{MaxRetries: -1})
			s.Fail(simulator.Fault{Kind: kind, Table: "contact", RetryAfter: "60"})
			_, err := c.Apply(t.Context(), &dataverse.ChangeSet{Writes: []dataverse.Write{named("A", ""), named("B", "")}})
			if !errors.Is(err, dataverse.ErrThrottled) {
				t.Fatal(err)
			}
			start := time.Now()
			if _, err := c.WhoAmI(t.Context()); err != nil || time.Since(start) != wait {
				t.Errorf("%s: %v after %v, want %v", kind, err, time.Since(start), wait)
			}
		})
	}
}

// TestPartIsNotWrittenTwice: what a gateway says of one operation leaves open
// whether it was done. A create whose id the service picks is not sent again.
func TestPartIsNotWrittenTwice(t *testing.T) {
	part := func(status string) string {
		return "--batchresponse_7f0a\nContent-Type: application/http\n\nHTTP/1.1 " + status + "\n\n\n"
	}
	for status, again := range map[string]bool{"504 Gateway Timeout": false, "503 Service Unavailable": false, "503 Service Unavailable\nRetry-After: 1": true, "429 Too Many Requests": true} {
		synctest.Test(t, func(t *testing.T) {
			batches := 0
			m := &metadataServer{}
			c, err := dataverse.New("https://contoso.crm4.dynamics.com", token("t"), &dataverse.Options{HTTP: handler{http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Prefer") != "odata.continue-on-error" || batches == 0 {
					batches++
					m.ServeHTTP(w, r)
					return
				}
				if batches++; batches == 2 {
					batchAnswer(200, part(status)+part(status)+"--batchresponse_7f0a--\n")(w, r)
					return
				}
				batchAnswer(200, part("204 No Content\nOData-EntityId: https://x/annotations("+string(idA)+")")+part("204 No Content\nOData-EntityId: https://x/annotations("+string(idB)+")")+"--batchresponse_7f0a--\n")(w, r)
			})}})
			if err != nil {
				t.Fatal(err)
			}
			note := dataverse.Write{Operation: dataverse.Create, Table: "annotation", EntitySet: "annotations", PrimaryKey: "annotationid"}
			written, err := c.Bulk(t.Context(), &dataverse.ChangeSet{Writes: []dataverse.Write{note, note}}, nil)
			if err != nil || (written[0].Err == nil) != again || (batches == 3) != again {
				t.Errorf("%s: %v %v after %d batches", strings.ReplaceAll(status, "\n", ", "), err, written[0].Err, batches)
			}
		})
	}
}

// TestThrottledPartsWaitTogether: what the service asks of each part of a batch
// is from the time of its answer, however many parts there are.
func TestThrottledPartsWaitTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const part = "--batchresponse_7f0a\nContent-Type: application/http\n\nHTTP/1.1 429 Too Many Requests\nRetry-After: 60\n\n" +
			`{"error":{"code":"0x80072326","message":"x"}}` + "\n\n"
		b := newBubble(t, dataverse.Options{}, batchAnswer(200, strings.Repeat(part, 6)+"--batchresponse_7f0a--\n"), noRows)
		start := time.Now()
		for _, rows := range b.QueryAll(t.Context(), []*dataverse.Query{contacts(nil), contacts(nil), contacts(nil), contacts(nil), contacts(nil), contacts(nil)}) {
			if rows.Err != nil {
				t.Error(rows.Err)
			}
		}
		if took := time.Since(start); took < time.Minute || took > time.Minute+time.Second {
			t.Errorf("took %v, asked to wait 1m", took)
		}
	})
}

// waits is a tracer that notes how long waits took.
type waits struct{ took []time.Duration }

func (w *waits) Start(ctx context.Context, _ dataverse.Step) context.Context { return ctx }

func (w *waits) End(_ context.Context, step dataverse.Step) {
	if step.Kind == dataverse.StepWait {
		w.took = append(w.took, step.Duration)
	}
}

// TestCancelledWaitIsTracedAsLongAsItTook and not as long as it was to take.
func TestCancelledWaitIsTracedAsLongAsItTook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &waits{}
		b := newBubble(t, dataverse.Options{Tracer: w}, fault(503, "", "x", "Retry-After", "60"))
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		if err := b.read(ctx); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		if len(w.took) != 1 || w.took[0] != time.Second {
			t.Errorf("waits of %v", w.took)
		}
	})
}
