// Command demo serves two simulated banks, and prints what to post to them.
// Start it in the root of the repository; Ctrl-C ends it.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/andmoneyaps/engage-playbooks/examples/service/internal/service"
	"github.com/andmoneyaps/engage-playbooks/examples/service/internal/simulated"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	folder, err := os.MkdirTemp("", "engage-demo")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	nordbank, err := simulated.Start("examples/portal-meeting", folder, "6f0a1c1e-0000-4000-8000-000000000001", "nordbank", nil)
	if err != nil {
		return err
	}
	defer nordbank.Close()
	sydbank, err := simulated.Start("examples/two-banks", folder, "6f0a1c1e-0000-4000-8000-000000000002", "sydbank", nil)
	if err != nil {
		return err
	}
	defer sydbank.Close()

	// Secrets stand in files: on a command line everybody could read them.
	employee, platform, keys := filepath.Join(folder, "employee"), filepath.Join(folder, "platform"), filepath.Join(folder, "keys")
	for file, text := range map[string]string{
		employee: "Authorization: Bearer " + nordbank.Employee("mette.holm@bank.example"),
		platform: "Engage-Platform-Key: demo", keys: "demo",
	} {
		if err := os.WriteFile(file, []byte(text+"\n"), 0o600); err != nil {
			return err
		}
	}
	s, err := service.Open(service.Options{
		Banks:        []service.Bank{{Dir: nordbank.Dir, Environments: []string{nordbank.Environment}}, {Dir: sydbank.Dir, Environments: []string{sydbank.Environment}}},
		PlatformKeys: keys,
		Log:          slog.New(slog.NewTextHandler(os.Stderr, nil)),
	})
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	url := "http://" + l.Addr().String()
	fmt.Printf(`# Nordbank: a meeting, as the employee who posts it; the second time nothing is written
curl -sS -H @%[2]s --data-binary @examples/portal-meeting/events/booked.json %[1]s/tenants/%[3]s/events
# Sydbank: a citizen wants to be called, as the application
curl -sS -H @%[4]s --data-binary @examples/two-banks/events/by-anyone-citizen.json %[1]s/tenants/%[5]s/events
# Nordbank's employee at Sydbank's: 403
curl -sS -i -H @%[2]s --data-binary @examples/two-banks/events/by-employees-employee.json %[1]s/tenants/%[5]s/events
curl -sS %[1]s/metrics
`, url, employee, nordbank.Server.TenantID, platform, sydbank.Server.TenantID)
	return s.Serve(ctx, l)
}
