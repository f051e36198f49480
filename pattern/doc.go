// Package pattern composes entity definitions into one operation: parts, and
// requirements between their fields. Everything here is pure: no context, no
// client, no clock. Plans are values; the caller sends what they say.
//
// A document is read in two halves, [Decode] and [Source.Link], so that one
// mistake gives one problem. A [Pattern] whose definitions are bound then
// plans operations:
//
//   - [Pattern.Read] gives a [ReadPlan]: rounds of queries that fill a pool of
//     records for each part (steps.go decides which parts are read together by
//     $expand, side by side, or after each other), and joins the pools in
//     memory (evaluate.go, along the walk of walk.go).
//   - [Pattern.Check] tells what can be known to be wrong before any request,
//     [Pattern.Lookup] finds the records that a write references or upserts by
//     key, and [Pattern.Write] makes one change set of it all.
//
// The tests hold the planners against a reference model that knows nothing of
// queries, through the real client and the simulator.
//
// Within a result, parts are looked at from the first single part that is not
// optional (a result is one record of each), or, where all parts allow
// multiple, from the part that has criteria; what must be there comes before
// what may be, one record before many. A part with many holds all records that
// are joined to what was looked at before it; that a part further out finds
// nothing for some of them removes none of them.
package pattern
