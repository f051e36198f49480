// Package bench measures the project's figures: what the engine, the client,
// the simulator and the command line cost beside a hand-written net/http
// program that sends the same requests in the same run.
//
// The command prints them all, and exits 1 where a goal is missed:
//
//	go run ./internal/bench/cmd/figures
//
// How a figure comes about. The service is a child process (see [Serve]), so
// that processor time and memory of this process are the client's alone. Both
// sides send over sockets through transports of the same settings, with the
// same delay. They take turns within each round, the first one changing, and
// the figure is the median of the rounds' ratios: noise of the machine meets
// both. A scenario first counts the requests of both sides, and fails if they
// differ. Figures that need the insides of a package are Go benchmarks there,
// which the command builds and runs (see [goBench]).
package bench
