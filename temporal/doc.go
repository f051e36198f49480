// Package temporal runs playbooks durably on Temporal (https://temporal.io): a
// run outlives the process that works on it, and its blocks may be run by any
// number of machines.
//
// A run is a workflow, and each of its blocks an activity; what a block does is
// [playbook.Engine.Step], so that documents, order, identities, failures and
// records are those of a run in one process. A worker that dies in the middle
// of a block loses nothing: another one makes the step again, and finds what
// had been written, since the ids of records derive from the event.
//
//	c, err := temporal.Dial(ctx, temporal.Options{Keys: keys})      // one a process
//	err = c.Worker(host, worker.Options{}).Run(worker.InterruptCh()) // where blocks run
//	run, err := c.Start(ctx, "contoso", p, event)                    // where events arrive
//	result, err := run.Result(ctx)                                   // as Engine.Run
//
// An event that is delivered twice runs once: the id of the workflow is made of
// tenant, playbook and event, and the second start finds the first one's run.
//
// A run ends on the documents that it started with: it names them by
// [playbook.Workspace.Hash], and a worker that has others leaves its blocks to
// one that has them.
//
// Retries do not multiply. A block asks Dataverse again by the rules of package
// dataverse, and what it gives then, a failure too, is its outcome. Temporal
// tries again what gave no outcome: a worker that was lost, was stopped, or has
// not the documents.
//
// # Secrets
//
// Nothing that a run reads or writes stands in Temporal's history in the clear:
// [Dial] encrypts all payloads under the embedder's keys, unless the embedder
// brings a converter of their own. The employee's assertion is never in the
// history in the clear, whatever the converter: a [Vault] keeps it.
//
// Where an assertion ends before the run does, the run waits; [Progress] says
// that the employee must sign in again, and [Run.SignIn] goes on with a new
// assertion of the same employee.
package temporal
