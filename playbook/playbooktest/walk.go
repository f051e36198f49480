package playbooktest

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/andmoneyaps/engage-playbooks/dataverse"
	"github.com/andmoneyaps/engage-playbooks/dataverse/simulator"
	"github.com/andmoneyaps/engage-playbooks/playbook"
)

// WalkOptions of [Walk]; nil or zero values stand for the defaults.
type WalkOptions struct {
	// Faults are the ways in which each request fails. Default: [WalkFaults].
	Faults []simulator.Fault
	// Seeds are loaded beside the workspace's own.
	Seeds []playbook.Seed
	// Capabilities answers Ai blocks. Default: their stubs.
	Capabilities playbook.Provider
}

// WalkFaults are all ways in which the simulator can fail a request.
var WalkFaults = []simulator.Fault{
	{Kind: simulator.FaultError, Status: 503},
	{Kind: simulator.FaultError, Status: 500},
	{Kind: simulator.FaultError, Status: 504},
	{Kind: simulator.FaultError, Status: 403, Code: dataverse.CodePrivilegeDenied},
	{Kind: simulator.FaultHTML},
	{Kind: simulator.FaultRequests},
	{Kind: simulator.FaultTime},
	{Kind: simulator.FaultConcurrency},
	{Kind: simulator.FaultReset},
	{Kind: simulator.FaultLost},
	{Kind: simulator.FaultTruncated},
	{Kind: simulator.FaultToken},
	{Kind: simulator.FaultDelay, DelayMS: 1},
	{Kind: simulator.FaultMetadataLag},
}

// ErrNotClean is the error of a walk whose clean run does not succeed.
var ErrNotClean = errors.New("playbooktest: the clean run did not succeed")

// WalkReport is what a failure walk found.
type WalkReport struct {
	Playbook, Event string
	// Clean is the run without a fault.
	Clean *playbook.Result
	Steps []*WalkStep
}

// WalkStep is one request that failed in one way.
type WalkStep struct {
	// Request counts the requests of the run from 1, those for metadata too; Name is its method
	// and path in the clean run.
	Request int
	Name    string
	Fault   simulator.Fault
	// Failed is the run that met the fault, Again the second one.
	Failed, Again *playbook.Result
	// Wrong says what is not as it must be: records lost or doubled, a record
	// that does not tell the truth. Empty: all is well.
	Wrong []string
}

// Err is nil if every step went as it must.
func (r *WalkReport) Err() error {
	var errs []error
	for _, s := range r.Steps {
		for _, w := range s.Wrong {
			errs = append(errs, fmt.Errorf("request %d (%s), fault %s: %s", s.Request, s.Name, faultName(s.Fault), w))
		}
	}
	return errors.Join(errs...)
}

// Walk is the failure walk: it runs the playbook for the event once and counts
// the requests, then fails each of them in turn in every way, without retries,
// runs the event again, and compares: the records must be those of the clean
// run, nothing lost and nothing doubled, and the record of the failed run must
// say what was written. The event needs an id. The error is that the walk
// could not be made; what it found is in the report.
func Walk(ctx context.Context, w *playbook.Workspace, p *playbook.Playbook, ev *playbook.Event, o *WalkOptions) (*WalkReport, error) {
	if o == nil {
		o = &WalkOptions{}
	}
	walk := &walk{workspace: w, playbook: p, event: ev, options: o, report: &WalkReport{Playbook: p.ID, Event: ev.ID}}
	if ev.ID == "" {
		return nil, errors.New("playbooktest: a walk needs an event with an id: without it a run cannot be repeated")
	}
	if err := walk.clean(ctx); err != nil {
		return nil, err
	}
	faults := o.Faults
	if faults == nil {
		faults = WalkFaults
	}
	for i, name := range walk.requests {
		for _, f := range faults {
			if err := ctx.Err(); err != nil {
				return walk.report, err
			}
			if i > 0 && f.Kind == simulator.FaultMetadataLag {
				continue // it lasts: once is enough
			}
			if err := walk.step(ctx, i, name, f); err != nil {
				return walk.report, err
			}
		}
	}
	return walk.report, nil
}

type walk struct {
	workspace *playbook.Workspace
	playbook  *playbook.Playbook
	event     *playbook.Event
	options   *WalkOptions
	report    *WalkReport
	requests  []string
	// before and after are the records of the clean run, by set and id.
	before, after records
}

// parties is the set whose rows the service makes with their activity: no write
// of a run names them.
const parties = "activityparties"

// records are rows by entity set and id.
type records map[string]map[string]any

// walkClock stands still, so that the records of two runs do not differ in it.
func walkClock() time.Time { return time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC) }

func (w *walk) world() (*World, *playbook.Engine, error) {
	world, err := NewWorld(w.workspace, &Options{
		NoListener: true, Now: walkClock, Seeds: w.options.Seeds, Client: dataverse.Options{MaxRetries: -1},
	})
	if err != nil {
		return nil, nil, err
	}
	engine := world.Engine()
	engine.Capabilities = w.options.Capabilities
	return world, engine, nil
}

func (w *walk) clean(ctx context.Context) error {
	world, engine, err := w.world()
	if err != nil {
		return err
	}
	defer world.Close()
	if w.before, err = world.records(); err != nil {
		return err
	}
	result, err := engine.Run(ctx, w.playbook, w.event)
	if result == nil || result.Status != playbook.StatusSucceeded {
		return fmt.Errorf("%w: %w", ErrNotClean, cmp.Or(err, errors.New("it was skipped")))
	}
	w.report.Clean = result
	for _, q := range world.Server.Requests() {
		w.requests = append(w.requests, q.Method+" "+strings.TrimPrefix(q.Path, "/api/data/v9.2/"))
	}
	w.after, err = world.records()
	return err
}

func (w *walk) step(ctx context.Context, i int, name string, f simulator.Fault) error {
	world, engine, err := w.world()
	if err != nil {
		return err
	}
	defer world.Close()
	before, err := world.records()
	if err != nil {
		return err
	}
	if d := differences(w.before, before); len(d) > 0 {
		return fmt.Errorf("playbooktest: two worlds of one seed differ, give its rows ids: %s", d[0])
	}
	step := &WalkStep{Request: i + 1, Name: name, Fault: f}
	w.report.Steps = append(w.report.Steps, step)
	w.fail(world, f, i)
	step.Failed, _ = engine.Run(ctx, w.playbook, w.event)
	world.Server.ClearFaults()
	between, err := world.records()
	if err != nil {
		return err
	}
	step.wrong(w.truth(step.Failed, between))
	step.Again, err = engine.Run(ctx, w.playbook, w.event)
	if step.Again.Status != playbook.StatusSucceeded {
		step.wrong([]string{fmt.Sprintf("the second run is %s: %v", step.Again.Status, err)})
	}
	after, err := world.records()
	if err != nil {
		return err
	}
	step.wrong(differences(w.after, after))
	step.wrong(sameWrites(w.report.Clean, step.Again))
	return nil
}

// fail lets the i-th request fail, from 0. Metadata lags for all tables of the
// workspace, unless the fault names one.
func (w *walk) fail(world *World, f simulator.Fault, i int) {
	f.Skip, f.Count = i, 1
	if f.Kind != simulator.FaultMetadataLag || f.Table != "" {
		world.Server.Fail(f)
		return
	}
	for _, d := range w.workspace.Definitions() {
		f.Table = d.Table
		world.Server.Fail(f)
	}
}

func (s *WalkStep) wrong(list []string) { s.Wrong = append(s.Wrong, list...) }

// truth compares what a record says was written with what is there.
func (w *walk) truth(r *playbook.Result, now records) []string {
	var wrong []string
	said := map[string]bool{}
	for _, write := range r.Writes {
		said[strings.ToLower(write.ID)] = true
		if write.Operation != "update" && !now.has(write.ID) {
			wrong = append(wrong, fmt.Sprintf("the record says that %s %s was written, and it is not there", write.Table, write.ID))
		}
	}
	unsure := slices.ContainsFunc(r.Warnings, func(warning playbook.Warning) bool { return strings.Contains(warning.Message, "is not known") })
	for set, rows := range now {
		for id := range rows {
			if _, old := w.before[set][id]; !old && !said[id] && !unsure && set != parties && !w.signedIn(set, id) {
				wrong = append(wrong, fmt.Sprintf("%s(%s) was written, and the record does not say it", set, id))
			}
		}
	}
	slices.Sort(wrong)
	return wrong
}

// signedIn tells a user whom the simulator makes when an actor, or the
// application, first asks: the clean run has made it too, and wrote no users.
func (w *walk) signedIn(set, id string) bool {
	_, made := w.after[set][id]
	return set == "systemusers" && made && !slices.ContainsFunc(w.report.Clean.Writes, func(r *playbook.WriteRecord) bool {
		return strings.EqualFold(r.ID, id)
	})
}

func (r records) has(id string) bool {
	for _, rows := range r {
		if _, ok := rows[strings.ToLower(id)]; ok {
			return true
		}
	}
	return false
}

// differences tells what is lost, doubled or other than in the clean run.
func differences(clean, now records) []string {
	var wrong []string
	for set, rows := range clean {
		for id, row := range rows {
			other, there := now[set][id]
			switch {
			case !there:
				wrong = append(wrong, fmt.Sprintf("%s(%s) is lost", set, id))
			case !equal(row, other):
				wrong = append(wrong, fmt.Sprintf("%s(%s) is not as in the clean run", set, id))
			}
		}
	}
	for set, rows := range now {
		for id := range rows {
			if _, there := clean[set][id]; !there {
				wrong = append(wrong, fmt.Sprintf("%s(%s) is doubled", set, id))
			}
		}
	}
	slices.Sort(wrong)
	return wrong
}

// sameWrites compares which records two runs say they wrote. A block that the
// second one skipped, because its `when` saw what the first had written, has
// nothing to say; whether its records are there is compared with the records.
func sameWrites(a, b *playbook.Result) []string {
	skipped := map[string]bool{}
	for _, block := range b.Blocks {
		skipped[block.Name] = block.Status == playbook.StatusSkipped
	}
	list := func(r *playbook.Result) []string {
		var all []string
		for _, w := range r.Writes {
			if skipped[w.Block] {
				continue
			}
			all = append(all, w.Block+"/"+w.Part+" "+w.Table+"("+w.ID+")")
		}
		return all
	}
	if x, y := list(a), list(b); !slices.Equal(x, y) {
		return []string{fmt.Sprintf("the second run's record names other writes: %v, not %v", y, x)}
	}
	return nil
}

// records are all rows of the world, without what counts how often they were
// touched.
func (w *World) records() (records, error) {
	var dump bytes.Buffer
	if err := w.Dump(&dump); err != nil {
		return nil, err
	}
	v, err := decode(dump.Bytes())
	if err != nil {
		return nil, err
	}
	sets, _ := v.(map[string]any)
	all := records{}
	for set, rows := range sets {
		all[set] = map[string]any{}
		list, _ := rows.([]any)
		for _, row := range list {
			r, _ := row.(map[string]any)
			id := w.rowID(set, r)
			unstamp(r)
			for i := 0; id == ""; i++ {
				// The service picks the ids of parties: their content is
				// their name.
				name := fmt.Sprintf("%s #%d", text(r), i)
				if _, taken := all[set][name]; !taken {
					id = name
				}
			}
			all[set][id] = r
		}
	}
	return all, nil
}

// rowID is the primary key of a dumped row; "" for a party, whose id says
// nothing.
func (w *World) rowID(set string, row map[string]any) string {
	t := w.Server.Schema().TableBySet(set)
	if t == nil || set == parties {
		return ""
	}
	id, _ := row[t.PrimaryID].(string)
	return strings.ToLower(id)
}

// unstamp takes out what the service counts or picks by itself.
func unstamp(v any) {
	switch v := v.(type) {
	case map[string]any:
		for _, name := range []string{"versionnumber", "activitypartyid", "ticketnumber"} {
			delete(v, name)
		}
		for _, item := range v {
			unstamp(item)
		}
	case []any:
		for _, item := range v {
			unstamp(item)
		}
	}
}

func faultName(f simulator.Fault) string {
	if f.Status != 0 {
		return fmt.Sprintf("%s %d", f.Kind, f.Status)
	}
	return string(f.Kind)
}

// String is the walk as a table: a line a request and fault.
func (r *WalkReport) String() string {
	var b strings.Builder
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "request\tfault\tfirst run\twritten\terror\tsecond run\twritten\tunchanged\trecords")
	for _, s := range r.Steps {
		code := "-"
		if s.Failed.Error != nil {
			code = s.Failed.Error.Code
		}
		verdict := "as clean"
		if len(s.Wrong) > 0 {
			verdict = strings.Join(s.Wrong, "; ")
		}
		first, second := operations(s.Failed), operations(s.Again)
		fmt.Fprintf(t, "%d %s\t%s\t%s\t%d\t%s\t%s\t%d\t%d\t%s\n", s.Request, s.Name, faultName(s.Fault), s.Failed.Status,
			len(s.Failed.Writes)-first[playbook.Unchanged], code, s.Again.Status,
			len(s.Again.Writes)-second[playbook.Unchanged], second[playbook.Unchanged], verdict)
	}
	t.Flush()
	return b.String()
}

func operations(r *playbook.Result) map[string]int {
	n := map[string]int{}
	for _, w := range r.Writes {
		n[w.Operation]++
	}
	return n
}
