package dataverse

import (
	"context"
	"net/http"
	"sync"
	"time"
)

// Table gives the definition of one table, from the cache if it is fresh. A
// table that is not there is [ErrNotFound].
func (c *Client) Table(ctx context.Context, logicalName string) (*Table, error) {
	ts, err := c.Tables(ctx, logicalName)
	if err != nil {
		return nil, err
	}
	return ts[0], nil
}

// Tables gives the definitions of several tables, in the order of the names:
// those that are not fresh with one request, a $batch, for up to thirty. The
// cache is shared by all identities of the organisation, definitions being
// readable to all; callers who ask at the same time share one fetch, which the
// cancel of one of them does not end. Observers are not told of it.
//
// Definitions are kept for Options.MetadataLifetime, and less if the service
// says that it does not know a name of the table.
func (c *Client) Tables(ctx context.Context, logicalNames ...string) ([]*Table, error) {
	for _, name := range logicalNames {
		if err := checkName("table", name); err != nil {
			return nil, err
		}
	}
	entries := c.tables.get(ctx, c, logicalNames)
	out := make([]*Table, len(entries))
	for i, e := range entries {
		select {
		case <-e.done:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if e.err != nil {
			return nil, e.err
		}
		out[i] = e.table
	}
	return out, nil
}

// Forget drops tables from the cache of definitions; without names, all.
func (c *Client) Forget(logicalNames ...string) {
	c.tables.mu.Lock()
	defer c.tables.mu.Unlock()
	if len(logicalNames) == 0 {
		clear(c.tables.entries)
	}
	for _, name := range logicalNames {
		delete(c.tables.entries, name)
	}
}

// tableCache has the definitions of one organisation.
type tableCache struct {
	lifetime time.Duration
	mu       sync.Mutex
	entries  map[string]*tableEntry
}

// tableEntry is a definition, or one on its way: its other fields may be read
// once done is closed.
type tableEntry struct {
	done  chan struct{}
	begun time.Time
	table *Table
	err   error
}

func (tc *tableCache) get(ctx context.Context, c *Client, names []string) []*tableEntry {
	tc.mu.Lock()
	defer tc.mu.Unlock()
	if tc.entries == nil {
		tc.entries = map[string]*tableEntry{}
	}
	out := make([]*tableEntry, len(names))
	missing := map[string]*tableEntry{}
	for i, name := range names {
		e, ok := tc.entries[name]
		if !ok || time.Since(e.begun) > tc.lifetime {
			e = &tableEntry{done: make(chan struct{}), begun: time.Now()}
			tc.entries[name], missing[name] = e, e
		}
		out[i] = e
	}
	if len(missing) > 0 {
		go tc.fill(ctx, c, missing)
	}
	return out
}

// fill fetches definitions for all who wait for them, whatever becomes of the
// caller who was first. What failed is not kept.
func (tc *tableCache) fill(ctx context.Context, c *Client, missing map[string]*tableEntry) {
	ctx = context.WithValue(context.WithoutCancel(ctx), observerKey{}, nil)
	ctx, cancel := context.WithTimeout(ctx, c.opts.Timeout+c.opts.MaxRetryWait)
	defer cancel()
	names := make([]string, 0, len(missing))
	for name := range missing {
		names = append(names, name)
	}
	tables, err := c.fetchTables(ctx, names)
	for name, e := range missing {
		if e.table = tables[name]; e.table == nil {
			if e.err = err; err == nil {
				e.err = &Error{
					Status: http.StatusNotFound, Method: http.MethodGet, Path: definitions,
					Table: name, Write: -1,
				}
			}
			tc.mu.Lock()
			if tc.entries[name] == e {
				delete(tc.entries, name)
			}
			tc.mu.Unlock()
		}
		close(e.done)
	}
}
