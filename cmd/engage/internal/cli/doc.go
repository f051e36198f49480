// Package cli is the command line of Engage playbooks: one file a subcommand.
//
// [Command.Main] builds the tree of commands, runs the one asked for and turns
// its error into an exit code; it is the only place that knows exit codes, and
// a test can call it as main does. What commands print for people goes through
// package render; a command's result goes to stdout, everything about it to
// stderr.
package cli
