package temporal

import (
	"errors"
	"fmt"
)

// Why a run cannot be started, asked for or resumed; match with errors.Is.
var (
	// ErrUnreachable: no Temporal server answers at the address.
	ErrUnreachable = errors.New("no Temporal server answers")
	// ErrNoWorker: no worker listens to the task queue.
	ErrNoWorker = errors.New("no worker listens")
	// ErrNoEventID: the event has no id, so that a step that is made again
	// would write again.
	ErrNoEventID = errors.New("the event has no id")
	// ErrTooLarge: a value is larger than may stand in Temporal's history; see
	// [Options.MaxPayload].
	ErrTooLarge = errors.New("too large for Temporal's history")
	// ErrNoAssertion: the new assertion is no token of an employee.
	ErrNoAssertion = errors.New("this is no employee's token")
	// ErrOtherEmployee: the new assertion is of another employee, or of
	// another tenant, than the run.
	ErrOtherEmployee = errors.New("the token is of another employee or tenant")
	// ErrNoWorkspace says that a worker does not have the workspace of a hash:
	// what [Host.Workspace] returns. The step is left to another worker.
	ErrNoWorkspace = errors.New("this worker does not have the workspace")
	// ErrNoRun: there is no such run, or Temporal has deleted it.
	ErrNoRun = errors.New("there is no such run")
)

// Types of the errors that Temporal shows at an activity or workflow.
const (
	// TypeNoWorkspace: a worker does not have the documents that the run
	// started with. It is tried again, by any worker, until the run's end.
	TypeNoWorkspace = "NoWorkspace"
	// TypeMisconfigured: trying again would not help.
	TypeMisconfigured = "Misconfigured"
	// TypeVault: the vault could not be asked. It is tried again.
	TypeVault = "Vault"
	// TypeHost: the worker has no engine for the tenant just now. It is tried
	// again.
	TypeHost = "Host"
	// TypeStopping: the worker was stopped while the block ran. Another one
	// runs it again.
	TypeStopping = "WorkerStopping"
	// TypeOtherEmployee: somebody else signed in.
	TypeOtherEmployee = "OtherEmployee"
	// TypeFailed: the playbook failed; the details are the [playbook.Result].
	TypeFailed = "PlaybookFailed"
)

// size is a number of bytes for people.
func size(n int) string {
	switch {
	case n < 1<<10:
		return fmt.Sprintf("%d bytes", n)
	case n < 1<<20:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
}
