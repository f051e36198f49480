package main

import (
	"runtime/debug"
	"testing"
)

func TestTheEnvironmentsGOGCCountsForMore(t *testing.T) {
	for gogc, want := range map[string]int{"": 400, "50": 100} {
		t.Setenv("GOGC", gogc)
		before := debug.SetGCPercent(100)
		collectLate()
		if got := debug.SetGCPercent(before); got != want {
			t.Errorf("GOGC=%s: the collector waits for %d%%, want %d%%", gogc, got, want)
		}
	}
}
