// Package playbook loads a workspace and runs its playbooks.
//
// A [Workspace] is a folder of documents. [Load] reads them all, checks every
// reference, type, path, transformation, expression and template, and reports
// every mistake with its place; what it returns is immutable and free of
// surprises that could have been seen. A [Playbook] is compiled then: blocks
// in the order of the document, each with the mappings that feed it. An
// [Event] makes playbooks run; [Workspace.Match] says which.
//
// Nothing up to here knows a client, a context or a clock. The [Engine] takes a
// compiled playbook and an event, and runs it, or shows what a run would do.
package playbook
