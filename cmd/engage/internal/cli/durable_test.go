package cli

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/andmoneyaps/engage-playbooks/temporal"
)

// Keys are spoken of where they can be the reason, and the reason stays.
func TestOutcomeErrorsSpeakOfKeys(t *testing.T) {
	for cause, keys := range map[error]bool{temporal.ErrNoRun: false, temporal.ErrNoKey: true, temporal.ErrSealed: true} {
		err := outcomeError(fmt.Errorf("temporal: %w: x", cause))
		if !errors.Is(err, cause) || !strings.HasPrefix(err.Error(), "--temporal: "+cause.Error()) || strings.Contains(err.Error(), "take the keys") != keys {
			t.Errorf("%v: %v", cause, err)
		}
	}
}
