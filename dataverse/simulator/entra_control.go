package simulator

import (
	"maps"
	"strings"
	"time"
)

// Assertion gives an employee's access token for the Engage API, as a front end
// would send it: what On-Behalf-Of exchanges. user is an e-mail address or an
// object id.
func (e *Entra) Assertion(user string, o AssertionOptions) string { return e.assertion(user, o) }

// Bearer gives a token for Dataverse that speaks for a person, good for a day.
func (e *Entra) Bearer(user string) string { return e.bearer(user) }

// AppBearer gives a token for Dataverse that speaks for an application, good
// for a day.
func (e *Entra) AppBearer(clientID string) string { return e.appBearer(clientID) }

// FederatedToken is what the other issuer that the default registration trusts
// would put into a workload's token file.
func (e *Entra) FederatedToken(lifetime time.Duration) string { return e.federatedToken(lifetime) }

// ObjectID is the object id that a person has in the first tenant.
func (e *Entra) ObjectID(user string) string { return e.person(e.home, user).ObjectID }

// AddTenant makes another tenant known: one that issues tokens, which the
// organisation's Dataverse refuses.
func (e *Entra) AddTenant(id string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.tenants = append(e.tenants, id)
}

// Register adds an app registration, or replaces the one with its client id.
func (e *Entra) Register(r Registration) { e.register(r) }

// Registration gives a registration as it stands; false: there is none.
func (e *Entra) Registration(clientID string) (Registration, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	r, ok := e.registrations[strings.ToLower(clientID)]
	if !ok {
		return Registration{}, false
	}
	return *r, true
}

// RotateKey publishes another signing key, which signs from now on, and gives
// its id. The old keys stay published until DropOldKeys.
func (e *Entra) RotateKey() string { return e.keys.rotate() }

// DropOldKeys withdraws all keys but the one that signs; tokens that they
// signed are refused from then on.
func (e *Entra) DropOldKeys() {
	e.keys.dropOld()
	e.mu.Lock()
	defer e.mu.Unlock()
	clear(e.callers)
}

// SetTokenLifetime says how long tokens of the token endpoint live; 75 minutes
// unless set.
func (e *Entra) SetTokenLifetime(d time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.lifetime = d
}

// Revoke voids every token and refresh token that the person got until now, as
// a password reset does; an empty user stands for everybody. New tokens can be
// had, for an assertion that is issued from now on.
func (e *Entra) Revoke(user string) {
	if user != "" {
		user = strings.ToLower(e.ObjectID(user))
	}
	// Tokens carry whole seconds: one of this second was issued before.
	at := e.clock().Truncate(time.Second).Add(time.Second)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.revoked[user] = at
	clear(e.bearers)
}

// Demand is a Conditional Access policy: until the person's assertion carries
// the claims of a challenge such as
// {"access_token":{"acrs":{"essential":true,"value":"c1"}}}, the exchange is
// refused with the AADSTS code (50076) and the challenge. user is an e-mail
// address, an object id or a client id; "": everybody.
func (e *Entra) Demand(user string, code int, claims string) error {
	if strings.Contains(user, "@") {
		user = e.ObjectID(user)
	}
	d, err := newDemand(user, code, claims)
	if err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.demands = append(e.demands, d)
	return nil
}

// FailToken makes the token endpoint fail as told.
func (e *Entra) FailToken(f TokenFault) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.faults = append(e.faults, &f)
}

// ClearTokenFaults forgets every fault and demand.
func (e *Entra) ClearTokenFaults() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.faults, e.demands = nil, nil
}

// TokenRequests are the last requests to the token endpoint, oldest first.
func (e *Entra) TokenRequests() []TokenRequest { return e.log.all() }

// TokenCount counts the requests of a grant since the start; "" counts all.
func (e *Entra) TokenCount(grant string) int { return e.log.count(grant) }

// DocumentCounts counts the GETs of each path: discovery and keys.
func (e *Entra) DocumentCounts() map[string]int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return maps.Clone(e.documents)
}

// ApproveDevice signs a person in who was given a device code; an empty user
// declines. It reports whether the code waits for somebody.
func (e *Entra) ApproveDevice(userCode, user string) bool { return e.approveDevice(userCode, user) }
