package temporal

import (
	"encoding/json"
	"time"

	"go.temporal.io/sdk/converter"

	"github.com/andmoneyaps/engage-playbooks/playbook"
)

// Names in Temporal; histories that exist use them.
const (
	workflowPlaybook = "engage.Playbook"
	activityBegin    = "engage.Begin"
	activityStep     = "engage.Step"
	activitySignIn   = "engage.SignIn"
	activityEnd      = "engage.End"
	queryRecord      = "record"
	signalSignIn     = "sign-in"
)

// input is what a workflow starts with.
type input struct {
	Run runOf `json:"run"`
	// Employee is whose the assertion is, Assertion the vault's text for it.
	Employee  Person `json:"employee,omitzero"`
	Assertion string `json:"assertion,omitempty"`
	// Limit bounds the run, SignIn the wait for an employee; negative: none.
	Limit  time.Duration `json:"limit"`
	SignIn time.Duration `json:"signIn"`
	// Size is that of Run in the history, Max what a payload may have.
	Size int `json:"size"`
	Max  int `json:"max"`
}

// runOf is what each activity must know of its run.
type runOf struct {
	Tenant    string  `json:"tenant"`
	Workspace string  `json:"workspace"`
	Playbook  string  `json:"playbook"`
	Event     eventIn `json:"event"`
}

func (r *runOf) holder() Holder { return Holder{r.Tenant, r.Playbook, r.Event.ID} }

// eventIn is an event whose numbers keep their digits.
type eventIn struct{ playbook.Event }

func eventOf(ev *playbook.Event) eventIn {
	e := *ev
	e.Assertion = ""
	return eventIn{e}
}

// MarshalJSON gives the event's JSON, which has no assertion.
func (e eventIn) MarshalJSON() ([]byte, error) { return json.Marshal(&e.Event) }

// UnmarshalJSON reads an event.
func (e *eventIn) UnmarshalJSON(data []byte) error {
	ev, err := playbook.DecodeEvent(data)
	if err == nil {
		e.Event = *ev
	}
	return err
}

// begun is what the first activity gives: the trigger has ended.
type begun struct {
	Flow  *playbook.Flow  `json:"flow"`
	State *playbook.State `json:"state"`
}

// stepIn asks for one block.
type stepIn struct {
	Run       runOf           `json:"run"`
	Assertion string          `json:"assertion,omitempty"`
	Block     int             `json:"block"`
	State     *playbook.State `json:"state"`
	Deadline  time.Time       `json:"deadline"`
	Max       int             `json:"max"`
}

// stepped is what a block gave.
type stepped struct {
	Outcome *playbook.Outcome `json:"outcome"`
	// SignIn: the employee must sign in again; Outcome says so too.
	SignIn    bool   `json:"signIn,omitempty"`
	Challenge string `json:"challenge,omitempty"`
	// Size is that of Outcome in the history.
	Size int `json:"size"`
}

// signIn is the signal that brings a new assertion.
type signIn struct {
	Assertion string `json:"assertion"`
}

// signInIn asks whether the new assertion is of the run's employee.
type signInIn struct {
	Holder    Holder `json:"holder"`
	Employee  Person `json:"employee"`
	Assertion string `json:"assertion"`
}

// endIn asks for the result.
type endIn struct {
	Run   runOf
	Flow  *playbook.Flow
	State *playbook.State
	// Over is why the run ended early: "canceled", "time-limit", or "".
	Over string
	// Assertions are all texts of the vault that the run has had.
	Assertions []string
	Max        int
}

// sizeOf is how many bytes a value has in the history. Encryption adds little,
// and compression only takes away: what is far below the limit before is not
// encoded to be measured.
func sizeOf(c converter.DataConverter, limit int, v any) (int, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return 0, err
	}
	if len(data) < limit/2 {
		return len(data), nil
	}
	p, err := c.ToPayload(v)
	if err != nil {
		return 0, err
	}
	return len(p.GetData()), nil
}
