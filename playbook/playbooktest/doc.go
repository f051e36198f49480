// Package playbooktest runs playbooks on a simulated organisation.
//
// [NewWorld] makes a simulator of a workspace: its definitions extend the
// baseline tables, its seed fills them, its Simulator document says who may do
// what. [World.Engine] runs playbooks there. [Run] runs the workspace's
// PlaybookTest documents as Go tests, [Walk] is the failure walk: it makes
// every request of a run fail in every way that the simulator can, runs the
// event again, and compares the records.
package playbooktest
