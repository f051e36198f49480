//go:build !race

package playbook_test

const underRace = false
