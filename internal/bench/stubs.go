package bench

import "context"

func (r *Runner) attendance(ctx context.Context) ([]Figure, error)   { return nil, nil }
func (r *Runner) employeeSync(ctx context.Context) ([]Figure, error) { return nil, nil }
func (r *Runner) noteImport(ctx context.Context) ([]Figure, error)   { return nil, nil }
func (r *Runner) planning(ctx context.Context) ([]Figure, error)     { return nil, nil }
func (r *Runner) loading(ctx context.Context) ([]Figure, error)      { return nil, nil }
func (r *Runner) growth(ctx context.Context) ([]Figure, error)       { return nil, nil }
func (r *Runner) command(ctx context.Context) ([]Figure, error)      { return nil, nil }
