// Package entity holds entity definitions: the names by which the platform
// knows the fields of one Dataverse table, and the columns that store them. It
// is the only place where a Dataverse name may stand.
//
// A definition is decoded from its document by [Kind], with every problem at
// its line, and is immutable from then on. [Definition.Bind] completes it with
// what the service's metadata says (entity set, primary key, navigation
// properties, lengths) and reports where the two disagree.
//
// A [Field] converts values both ways, as the type says: a JSON value into the
// value that is sent ([Field.Property], [Field.Literal]), and a record's column
// into the value that playbooks see ([Field.Read]). Errors name what was
// expected and never the value.
package entity
