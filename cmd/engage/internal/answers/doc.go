// Package answers records what Dataverse answered to the reads of a run, and
// answers the reads of a dry run from it.
//
// A folder holds one JSON file an answer, in the order in which they came. The
// file names the request by method, path without its query, and a digest of
// the whole: the query holds values. Values in answers are replaced by others
// of their kind unless the caller keeps them: texts, numbers and times; ids,
// table names and metadata stay, since requests are built from them.
package answers
