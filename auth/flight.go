package auth

import (
	"context"
	"sync"
)

// flight merges calls of one key that happen at the same time. The work runs on
// a context of its own: a caller who leaves neither ends it for the others nor
// waits for it, and when the last one has left it is cancelled. That is what
// x/sync/singleflight has no way to say.
type flight[T any] struct {
	mu    sync.Mutex
	under map[string]*call[T]
}

// call is work under way.
type call[T any] struct {
	done    chan struct{}
	cancel  context.CancelFunc
	waiting int
	val     T
	err     error
}

// do runs work, or waits for the run that is under way. The error is work's, or
// that of ctx.
func (f *flight[T]) do(ctx context.Context, key string, work func(ctx context.Context) (T, error)) (T, error) {
	var zero T
	if err := ctx.Err(); err != nil {
		return zero, err
	}
	f.mu.Lock()
	c, ok := f.under[key]
	if !ok {
		own, cancel := context.WithCancel(context.WithoutCancel(ctx))
		c = &call[T]{done: make(chan struct{}), cancel: cancel}
		if f.under == nil {
			f.under = map[string]*call[T]{}
		}
		f.under[key] = c
		go func() {
			defer cancel()
			c.val, c.err = work(own)
			f.land(key, c)
			close(c.done)
		}()
	}
	c.waiting++
	f.mu.Unlock()
	select {
	case <-c.done:
		return c.val, c.err
	case <-ctx.Done():
		f.leave(key, c)
		return zero, ctx.Err()
	}
}

// leave cancels the work when nobody waits for it any more; who comes next
// starts anew.
func (f *flight[T]) leave(key string, c *call[T]) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if c.waiting--; c.waiting > 0 {
		return
	}
	c.cancel()
	if f.under[key] == c {
		delete(f.under, key)
	}
}

func (f *flight[T]) land(key string, c *call[T]) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.under[key] == c {
		delete(f.under, key)
	}
}
