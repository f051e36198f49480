//go:build race

package playbook_test

// underRace says that the race detector is on: it makes memory and time no
// figures of the library.
const underRace = true
