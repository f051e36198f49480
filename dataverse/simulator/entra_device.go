package simulator

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

const (
	deviceLifetime = 15 * time.Minute
	maxDevices     = 1000
)

// deviceGrant is one sign-in that waits for a person.
type deviceGrant struct {
	userCode, tenant, clientID, scope string
	expires                           time.Time
	approved, declined                bool
	user                              string
}

// deviceCode starts a sign-in by device code: EN040. The person "signs in" by POSTing
// user_code and login_hint to the verification address, or a test calls
// ApproveDevice.
func (e *Entra) deviceCode(w http.ResponseWriter, r *http.Request, tenant string) {
	r.Body = http.MaxBytesReader(w, r.Body, maxTokenForm)
	if err := r.ParseForm(); err != nil {
		e.refuse(w, r, sts(900144, "The request body is not a form."))
		return
	}
	if isSharedTenant(tenant) {
		tenant = e.home
	}
	c := &tokenCall{ResponseWriter: w, r: r, form: r.Form, tenant: strings.ToLower(tenant)}
	if !e.tenantKnown(c.tenant) {
		e.refuse(w, r, sts(90002, "Tenant '%s' not found.", c.tenant))
		return
	}
	if f := e.findClient(c); f != nil {
		e.refuse(w, r, f)
		return
	}
	if _, _, _, f := e.checkResource(c); f != nil {
		e.refuse(w, r, f)
		return
	}
	id := e.newID()
	g := &deviceGrant{
		userCode: strings.ToUpper(strings.ReplaceAll(derivedID("user code", id), "-", "")[:9]),
		tenant:   c.tenant, clientID: c.client.ClientID, scope: c.form.Get("scope"),
		expires: e.clock().Add(deviceLifetime),
	}
	e.mu.Lock()
	if len(e.devices) >= maxDevices {
		clear(e.devices)
	}
	e.devices[id] = g
	e.mu.Unlock()
	page := origin(r) + "/common/oauth2/deviceauth"
	writeEntraJSON(w, http.StatusOK, map[string]any{
		"device_code": id, "user_code": g.userCode, "verification_uri": page,
		"expires_in": int(deviceLifetime.Seconds()), "interval": 1,
		"message": fmt.Sprintf("To sign in, use a web browser to open the page %s and enter the code %s to authenticate.", page, g.userCode),
	})
}

// approveDevice is the person's part. An empty user declines.
func (e *Entra) approveDevice(userCode, user string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, g := range e.devices {
		if strings.EqualFold(g.userCode, userCode) {
			g.user, g.approved, g.declined = user, user != "", user == ""
			return true
		}
	}
	return false
}

// devicePage is the verification address.
func (e *Entra) devicePage(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		fmt.Fprintf(w, "The simulated Entra signs in whoever is named:\ncurl -d user_code=CODE -d login_hint=E-MAIL %s%s\n", origin(r), r.URL.Path)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxTokenForm)
	if !e.approveDevice(r.PostFormValue("user_code"), r.PostFormValue("login_hint")) {
		http.Error(w, "no sign-in waits for this code", http.StatusNotFound)
		return
	}
	fmt.Fprintln(w, "You have signed in. You may close this window.")
}

func (e *Entra) redeemDevice(c *tokenCall) (map[string]any, *stsError) {
	id := c.form.Get("device_code")
	e.mu.Lock()
	g, ok := e.devices[id]
	var have deviceGrant
	if ok {
		have = *g
	}
	e.mu.Unlock()
	switch {
	case !ok || !strings.EqualFold(have.clientID, c.client.ClientID):
		return nil, sts(70018, "Invalid verification code due to user typing in wrong user code for device-code flow.")
	case e.clock().After(have.expires):
		return nil, sts(70020, "The provided value for the input parameter 'device_code' has expired.")
	case have.declined:
		return nil, sts(70018, "The user declined the sign-in.").as("authorization_declined")
	case !have.approved:
		return nil, sts(70016, "OAuth 2.0 device flow error. Authorization is pending. Continue polling.")
	}
	e.mu.Lock()
	delete(e.devices, id)
	e.mu.Unlock()
	c.tenant = have.tenant
	if c.form.Get("scope") == "" {
		c.form.Set("scope", have.scope)
	}
	u := e.person(c.tenant, have.user)
	return e.userAnswer(c, principal{ObjectID: u.ObjectID, Email: u.Email, Name: u.Name})
}
