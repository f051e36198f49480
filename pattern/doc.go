// Package pattern composes entity definitions into one operation: parts, and
// requirements between their fields. It orders the parts, and plans reads as
// rounds of queries and writes as one change set. Everything here is pure: no
// context, no client, no clock.
package pattern
