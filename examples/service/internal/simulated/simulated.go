// Package simulated gives banks to try the service with: a simulated Dataverse
// and Entra of a workspace, and the files that reach them.
package simulated

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/andmoneyaps/engage-playbooks/dataverse/simulator"
	"github.com/andmoneyaps/engage-playbooks/playbook"
	"github.com/andmoneyaps/engage-playbooks/playbook/playbooktest"
)

// Bank is the simulated organisation of a workspace.
type Bank struct {
	*playbooktest.World
	// Dir is the workspace, Environment the file of its Environment document.
	Dir, Environment string
	proxy            *httptest.Server
}

// Start starts the organisation of a workspace, as environment id of a tenant.
// The document and its secret are written into a folder. before is asked about
// every request to Dataverse and may hold it back; it may be nil.
func Start(dir, folder, tenant, id string, before func(*http.Request)) (*Bank, error) {
	w, err := playbook.Load(os.DirFS(dir))
	if err != nil {
		return nil, err
	}
	world, err := playbooktest.NewWorld(w, &playbooktest.Options{TenantID: tenant})
	if err != nil {
		return nil, err
	}
	b := &Bank{World: world, Dir: dir, Environment: filepath.Join(folder, id+".yaml")}
	organisation := world.Server.URL
	if before != nil {
		target, err := url.Parse(organisation)
		if err != nil {
			return nil, err
		}
		forward := httputil.NewSingleHostReverseProxy(target)
		forward.ErrorLog = log.New(io.Discard, "", 0) // callers go away in tests
		b.proxy = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			before(r)
			forward.ServeHTTP(w, r)
		}))
		organisation = b.proxy.URL
	}
	return b, b.write(organisation, id)
}

// write writes the Environment document, and its secret beside it.
func (b *Bank) write(organisation, id string) error {
	secret := b.Environment + ".secret"
	if err := os.WriteFile(secret, []byte(simulator.DefaultClientSecret+"\n"), 0o600); err != nil {
		return err
	}
	registration := fmt.Sprintf("{clientId: %s, clientSecret: {file: %q}}", simulator.DefaultClientID, filepath.Base(secret))
	var allow strings.Builder
	if doc := b.Workspace.Simulator(); doc != nil {
		for _, rule := range doc.Allow {
			fmt.Fprintf(&allow, "\n    - %q", rule)
		}
	}
	if allow.Len() == 0 {
		allow.WriteString(" []")
	}
	return os.WriteFile(b.Environment, fmt.Appendf(nil, `kind: Environment
id: %s
url: %s
tenantId: %s
authority: %s
audience: [%s]
onBehalfOf: %s
application: %[6]s
escalation:
  allow:%s
`, id, organisation, b.Server.TenantID, b.Server.Authority, simulator.DefaultAudience, registration, allow.String()), 0o600)
}

// Employee is a token as the front end of an employee sends it.
func (b *Bank) Employee(email string) string {
	return b.Server.Entra.Assertion(email, simulator.AssertionOptions{})
}

// Close stops the organisation.
func (b *Bank) Close() {
	if b.proxy != nil {
		b.proxy.Close()
	}
	b.World.Close()
}
