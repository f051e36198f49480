package playbook

import (
	"fmt"
	"log/slog"
	"time"
)

// ActorKind is who caused an event.
type ActorKind string

// The kinds of actors.
const (
	ActorEmployee ActorKind = "employee"
	ActorCustomer ActorKind = "customer"
	ActorCitizen  ActorKind = "citizen"
	ActorSystem   ActorKind = "system"
	ActorPlatform ActorKind = "platform"
)

// ActorKinds lists all kinds of actors.
var ActorKinds = []ActorKind{ActorEmployee, ActorCustomer, ActorCitizen, ActorSystem, ActorPlatform}

// Actor is who caused an event, as the platform knows them.
type Actor struct {
	Kind     ActorKind `json:"kind"`
	Name     string    `json:"name,omitempty"`
	Email    string    `json:"email,omitempty"`
	ObjectID string    `json:"objectId,omitempty"`
	TenantID string    `json:"tenantId,omitempty"`
	ClientID string    `json:"clientId,omitempty"`
	ID       string    `json:"id,omitempty"`
}

// Event is what makes a playbook run. [DecodeEvent] reads one from JSON.
type Event struct {
	// Type is one of the platform's types, or the id of a TriggerType.
	Type string `json:"type"`
	// ID makes a run repeatable: the ids of what it creates derive from it.
	ID string `json:"id,omitempty"`
	// Time is the run's instant; zero: the moment it starts.
	Time   time.Time `json:"time,omitzero"`
	Portal string    `json:"portal,omitempty"`
	Actor  *Actor    `json:"actor,omitempty"`
	// Data is a JSON value: nil, bool, string, json.Number, []any or
	// map[string]any.
	Data any `json:"data,omitempty"`
	// Assertion is the employee's token. It travels beside the event, never
	// in its JSON.
	Assertion string `json:"-"`
}

// String names the event without its data and assertion.
func (e *Event) String() string { return fmt.Sprintf("event %q of type %q", e.ID, e.Type) }

// GoString is String, so that %#v shows no data and no assertion.
func (e *Event) GoString() string { return e.String() }

// Format makes every verb print String.
func (e *Event) Format(s fmt.State, _ rune) { fmt.Fprint(s, e.String()) }

// LogValue logs type and id alone.
func (e *Event) LogValue() slog.Value {
	return slog.GroupValue(slog.String("type", e.Type), slog.String("id", e.ID))
}
