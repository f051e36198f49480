package temporal

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"google.golang.org/protobuf/proto"

	"github.com/andmoneyaps/engage-playbooks/dataverse/simulator"
	"github.com/andmoneyaps/engage-playbooks/playbook"
)

// shelf keeps payloads outside of Temporal, as a store of objects would.
type shelf struct {
	mu   sync.Mutex
	kept []*commonpb.Payload
}

func (s *shelf) Name() string { return "shelf" }
func (s *shelf) Type() string { return "shelf" }

func (s *shelf) Store(_ converter.StorageDriverStoreContext, payloads []*commonpb.Payload) ([]converter.StorageDriverClaim, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var claims []converter.StorageDriverClaim
	for _, p := range payloads {
		claims = append(claims, converter.StorageDriverClaim{ClaimData: map[string]string{"place": strconv.Itoa(len(s.kept))}})
		s.kept = append(s.kept, proto.CloneOf(p))
	}
	return claims, nil
}

func (s *shelf) Retrieve(_ converter.StorageDriverRetrieveContext, claims []converter.StorageDriverClaim) ([]*commonpb.Payload, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var payloads []*commonpb.Payload
	for _, c := range claims {
		i, err := strconv.Atoi(c.ClaimData["place"])
		if err != nil || i < 0 || i >= len(s.kept) {
			return nil, fmt.Errorf("nothing is kept at %q", c.ClaimData["place"])
		}
		payloads = append(payloads, proto.CloneOf(s.kept[i]))
	}
	return payloads, nil
}

// With ExternalStorage an event larger than Temporal takes is run: what is kept
// elsewhere is encrypted as what stands in the history is.
func TestLargeValuesOnAServer(t *testing.T) {
	address := startServer(t)
	s := portalMeeting(t)
	ev := s.event(t, simulator.AssertionOptions{})
	text := make([]byte, 3<<20)
	_, _ = rand.Read(text)
	attachment := base64.StdEncoding.EncodeToString(text) // does not compress below 1 MiB
	ev.Data.(map[string]any)["Attachment"] = attachment

	plain := dial(t, address, nil)
	if _, err := plain.Start(t.Context(), tenant, s.playbook, ev); !errors.Is(err, ErrTooLarge) {
		t.Fatalf("in the history itself: %v", err)
	}
	var store shelf
	c := dial(t, address, func(o *Options) {
		o.Temporal.ExternalStorage = converter.ExternalStorage{Drivers: []converter.StorageDriver{&store}}
	})
	work(t, c, s.host)
	var runs []*Run
	for _, status := range []playbook.Status{playbook.StatusSucceeded, playbook.StatusFailed} {
		if status == playbook.StatusFailed {
			ev.ID = "fails"
			ev.Data.(map[string]any)["Meeting"].(map[string]any)["MeetingOwner"].(map[string]any)["Email"] = "nobody@bank.example"
		}
		run, err := c.Start(t.Context(), tenant, s.playbook, ev)
		if err != nil {
			t.Fatal(err)
		}
		res, err := run.Result(t.Context())
		if res == nil || res.Status != status {
			t.Fatalf("want %s: %v\n%s", status, err, show(res))
		}
		if got := res.Outputs[0].(map[string]any)["Attachment"]; got != attachment {
			t.Errorf("%s: the result does not have the event's data", status)
		}
		runs = append(runs, run)
	}
	for _, run := range runs {
		if n := len(fetch(t, c, run)); n > 1<<20 {
			t.Errorf("the history has %d bytes", n)
		}
	}
	store.mu.Lock()
	defer store.mu.Unlock()
	if len(store.kept) == 0 {
		t.Error("nothing was kept elsewhere")
	}
	for _, p := range store.kept {
		for _, secret := range []string{ev.Assertion, "lindqvist", attachment[:100]} {
			if bytes.Contains(p.GetData(), []byte(secret)) {
				t.Errorf("%.20q is kept in the clear", secret)
			}
		}
	}
}
