package playbook

import (
	"log/slog"
	"time"
)

// ProgressKind says what a [Progress] tells.
type ProgressKind string

// The steps of a run, in the order in which they can come.
const (
	RunStarted   ProgressKind = "runStarted"
	BlockStarted ProgressKind = "blockStarted"
	// RequestSent: Dataverse answered an operation, or did not.
	RequestSent ProgressKind = "request"
	// RecordWritten: a record is written, or was there already.
	RecordWritten ProgressKind = "write"
	BlockEnded    ProgressKind = "blockEnded"
	RunEnded      ProgressKind = "runEnded"
)

// Progress is one step of a run as it happens. Like the record it holds no
// value. Exactly one of the pointers is set, but for RunStarted and
// BlockStarted, which have none.
type Progress struct {
	Kind        ProgressKind   `json:"kind"`
	Time        time.Time      `json:"time"`
	Playbook    string         `json:"playbook"`
	Event       string         `json:"event"`
	Block       string         `json:"block,omitempty"`
	Type        BlockType      `json:"type,omitempty"`
	Identity    Identity       `json:"identity,omitempty"`
	Request     *RequestRecord `json:"request,omitempty"`
	Retries     int            `json:"retries,omitempty"`
	Duration    time.Duration  `json:"durationNs,omitempty"`
	Write       *WriteRecord   `json:"write,omitempty"`
	BlockRecord *BlockRecord   `json:"blockRecord,omitempty"`
	Record      *Record        `json:"record,omitempty"`
	// Rule is the entry of the escalation policy under which it was written.
	Rule string `json:"rule,omitempty"`
}

// tell hands a step to the observer and to the audit log, one at a time.
func (r *run) tell(p Progress) {
	if r.engine.Observe == nil && r.engine.Log == nil {
		return
	}
	p.Time = r.engine.clock()
	p.Playbook, p.Event = r.record.Playbook, r.record.Event
	r.telling.Lock()
	defer r.telling.Unlock()
	r.audit(p)
	if r.engine.Observe != nil {
		r.engine.Observe(p)
	}
}

// audit logs who did what, when and under which rule: names of documents,
// tables and columns, ids, statuses; no values.
func (r *run) audit(p Progress) {
	log := r.engine.Log
	if log == nil {
		return
	}
	run := []any{slog.String("playbook", p.Playbook), slog.String("event", p.Event), slog.Bool("dryRun", r.dry)}
	switch p.Kind {
	case RunStarted:
		log.InfoContext(r.ctx, "run started", append(run, r.actor())...)
	case RecordWritten:
		log.InfoContext(r.ctx, "record written", append(run, r.actor(),
			slog.String("block", p.Block), slog.String("identity", string(p.Identity)), slog.String("rule", p.Rule),
			slog.String("part", p.Write.Part), slog.String("operation", p.Write.Operation), slog.String("table", p.Write.Table),
			slog.String("id", p.Write.ID), slog.Any("columns", p.Write.Columns))...)
	case RequestSent:
		log.DebugContext(r.ctx, "request", append(run,
			slog.String("block", p.Block), slog.String("identity", string(p.Identity)), slog.String("method", p.Request.Method),
			slog.String("path", p.Request.Path), slog.Int("status", p.Request.Status), slog.String("requestId", p.Request.ID),
			slog.Int("retries", p.Retries), slog.Duration("duration", p.Duration))...)
	case BlockEnded:
		b := p.BlockRecord
		level := slog.LevelDebug
		if b.Escalation != nil {
			run = append(run, slog.Group("escalation", slog.String("reason", b.Escalation.Reason), slog.String("rule", b.Escalation.Rule)))
			level = slog.LevelInfo
		}
		if b.Error != nil {
			run = append(run, failureAttr(b.Error))
			level = slog.LevelWarn
		}
		log.Log(r.ctx, level, "block ended", append(run, slog.String("block", p.Block), slog.String("status", string(b.Status)))...)
	case RunEnded:
		level := slog.LevelInfo
		if f := p.Record.Error; f != nil {
			run = append(run, failureAttr(f))
			level = slog.LevelWarn
		}
		log.Log(r.ctx, level, "run ended", append(run, slog.String("status", string(p.Record.Status)),
			slog.Int("requests", p.Record.Stats.Requests), slog.Int("writes", len(p.Record.Writes)), slog.Duration("duration", p.Record.Duration))...)
	}
}

func (r *run) actor() slog.Attr {
	a := r.record.Actor
	if a == nil {
		return slog.Group("actor")
	}
	return slog.Group("actor", slog.String("kind", string(a.Kind)), slog.String("objectId", a.ObjectID),
		slog.String("tenantId", a.TenantID), slog.String("clientId", a.ClientID), slog.String("id", a.ID))
}

func failureAttr(f *Failure) slog.Attr {
	return slog.Group("error", slog.String("block", f.Block), slog.String("part", f.Part), slog.String("field", f.Field),
		slog.String("code", f.Code), slog.Int("status", f.Status), slog.String("message", f.Message))
}
