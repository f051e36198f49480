// Package dataverse is a client of the Dataverse Web API (v9.2) for programs
// that must not write twice, must not lose a row, and must not leak a value.
//
// What is to be read or written is a value first: a [Query] or a [ChangeSet].
// Building its [Request] is pure, so that a dry run can print exactly what
// would be sent. A [Client] sends it as one identity of one organisation:
//
//	c, err := dataverse.New("https://contoso.crm4.dynamics.com", tokens, nil)
//	for contact, err := range c.Query(ctx, q) { … }      // every page
//	written, err := c.Apply(ctx, changes)                // all or nothing
//	written, err := c.Bulk(ctx, changes, nil)            // refused ones do not stop the others
//
// [Client.As] gives the client of another identity. It shares connections and
// metadata ([Client.Table]); the limiter belongs to the identity.
//
// The layers of a request, from the outside:
//
//	Query, Apply, Bulk      pages, change sets, chunks; a lost answer is settled by reading back
//	call                    token, one renewal after 401, errors, the observer
//	retry                   go-retryablehttp's loop; what may be repeated is a property of the request
//	attempt                 origin check, limiter, time limit, tracer, log, size limit
//	http.RoundTripper       one shared transport, or Options.HTTP
//
// Failures are [*Error]: match them with errors.Is against [ErrNotFound],
// [ErrConflict] and the others. Neither their text, nor logs, nor traces hold
// tokens or field values. The client sends its token to the organisation's own
// origin alone, over https; it follows no redirect and no link elsewhere.
//
// Comments that say "fact sheet" cite the project's notes on the wire, by
// section.
package dataverse
