package bench

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strconv"
	"strings"

	"github.com/andmoneyaps/engage-playbooks/dataverse/simulator"
	"github.com/andmoneyaps/engage-playbooks/playbook"
	"github.com/andmoneyaps/engage-playbooks/playbook/playbooktest"
)

// service is a service in a child process, and how to reach it.
type service struct {
	URL         string
	Admin       string // bearer token of the administrator
	Employee    string // of the event's actor
	Application string

	stop func()
}

// start starts the child process with a service of Serve.
func (r *Runner) start(ctx context.Context, args ...string) (*service, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self, append([]string{"-serve"}, args...)...)
	cmd.Dir = r.Root
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	s := &service{stop: func() {
		in.Close() // the child ends with its input
		_ = cmd.Wait()
	}}
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, s)
	}
	if err != nil {
		s.stop()
		return nil, fmt.Errorf("the service %q did not start: %w", args, err)
	}
	return s, nil
}

// Serve is the child process. It writes how to reach the service, a line of
// JSON, and serves until its input ends. The services:
//
//	world DIR EVENT [LIMITS]    the simulated organisation of a workspace
//	simulator [LIMITS]          the simulator's baseline
//	rows N                      N contacts in pages of 5,000, canned
//
// LIMITS are simulator.Limits as JSON.
func Serve(args []string, in io.Reader, out io.Writer) error {
	if len(args) == 0 {
		return errors.New("-serve needs the name of a service")
	}
	var (
		s     *service
		close func()
		err   error
	)
	switch args[0] {
	case "world":
		s, close, err = serveWorld(args[1], args[2], args[3:])
	case "simulator":
		server := simulator.NewServer(nil, nil)
		if err := limit(server, args[1:]); err != nil {
			server.Close()
			return err
		}
		s, close = &service{URL: server.URL, Admin: server.Entra.Bearer(simulator.AdministratorEmail)}, server.Close
	case "rows":
		n, err := strconv.Atoi(args[1])
		if err != nil {
			return err
		}
		server := httptest.NewServer(cannedRows(n))
		s, close = &service{URL: server.URL, Admin: "t0ken"}, server.Close
	default:
		return fmt.Errorf("no service %q", args[0])
	}
	if err != nil {
		return err
	}
	defer close()
	if err := json.NewEncoder(out).Encode(s); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, in)
	return err
}

// serveWorld serves the organisation of a workspace, and gives the tokens of
// the event's actor.
func serveWorld(dir, eventFile string, limits []string) (*service, func(), error) {
	w, err := playbook.Load(os.DirFS(dir))
	if err != nil {
		return nil, nil, err
	}
	ev, err := readEvent(eventFile)
	if err != nil {
		return nil, nil, err
	}
	world, err := playbooktest.NewWorld(w, nil)
	if err != nil {
		return nil, nil, err
	}
	if err := limit(world.Server, limits); err != nil {
		world.Close()
		return nil, nil, err
	}
	user := simulator.AdministratorEmail
	if ev.Actor != nil && ev.Actor.ObjectID != "" {
		user = ev.Actor.ObjectID
	} else if ev.Actor != nil && ev.Actor.Email != "" {
		user = ev.Actor.Email
	}
	entra := world.Server.Entra
	return &service{
		URL: world.Server.URL, Admin: world.AdminToken(), Employee: entra.Bearer(user),
		Application: entra.AppBearer(simulator.DefaultClientID),
	}, world.Close, nil
}

// limit lets the server's limits count, if there are any.
func limit(server *simulator.Server, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var l simulator.Limits
	if err := json.Unmarshal([]byte(args[0]), &l); err != nil {
		return err
	}
	server.Limit(l)
	return nil
}

// limitArgs are limits as an argument of a service; nil for none.
func limitArgs(limits []simulator.Limits) []string {
	var args []string
	for _, l := range limits {
		text, err := json.Marshal(l)
		if err != nil {
			panic(err) // numbers alone
		}
		args = append(args, string(text))
	}
	return args
}

func readEvent(file string) (*playbook.Event, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return playbook.DecodeEvent(data)
}

// pageRows is the service's largest page.
const pageRows = 5000

// cannedRows answers every query of contacts with pages of the same rows, n in
// all.
func cannedRows(n int) http.Handler {
	rows := make([]string, min(n, pageRows))
	for i := range rows {
		rows[i] = fmt.Sprintf(`{"@odata.etag":"W/\"%d\"","contactid":"00000000-0000-0000-0000-%012d","fullname":"Ada Lovelace %d","emailaddress1":"ada%d@example.com","telephone1":"+45 12 34 56 78","_parentcustomerid_value":"00000000-0000-0000-0001-%012d","creditlimit":20000.0000,"statecode":0,"createdon":"2024-04-04T20:00:00Z"}`, i, i, i, i, i)
	}
	page := strings.Join(rows, ",")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		k, _ := strconv.Atoi(r.URL.Query().Get("$skiptoken"))
		w.Header().Set("Content-Type", "application/json; odata.metadata=minimal")
		fmt.Fprintf(w, `{"@odata.context":"http://%s/api/data/v9.2/$metadata#contacts"`, r.Host)
		if (k+1)*pageRows < n {
			fmt.Fprintf(w, `,"@odata.nextLink":"http://%s%s?$skiptoken=%d"`, r.Host, r.URL.Path, k+1)
		}
		_, _ = io.WriteString(w, `,"value":[`+page+`]}`)
	})
}
