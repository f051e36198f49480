// Command service runs the playbooks of banks on the events that are posted to
// it: an example of how the library is embedded. See README.md.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/andmoneyaps/engage-playbooks/examples/service/internal/service"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	code := run(ctx, hangup, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is the command: 0 after a stop that was asked for, 1 where it failed, 2
// for wrong usage or documents.
func run(ctx context.Context, hangup <-chan os.Signal, args []string, stdout, stderr io.Writer) int {
	opts, addr, err := parse(args, stderr)
	if err != nil {
		return 2
	}
	s, err := service.Open(opts)
	if err != nil {
		fmt.Fprintln(stderr, err)
		return 2
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		fmt.Fprintln(stderr, err)
		return 1
	}
	// The one line on stdout says that events may come, and where to.
	if err := json.NewEncoder(stdout).Encode(map[string]string{"url": "http://" + l.Addr().String()}); err != nil {
		return 1
	}
	go func() {
		for range hangup {
			if err := s.Reload(); err != nil {
				opts.Log.Error("not reloaded", "error", err)
			}
		}
	}()
	if err := s.Serve(ctx, l); err != nil {
		opts.Log.Error("stopped", "error", err)
		return 1
	}
	opts.Log.Info("stopped")
	return 0
}

func parse(args []string, stderr io.Writer) (opts service.Options, addr string, err error) {
	opts.Log = slog.New(slog.NewJSONHandler(stderr, nil))
	flags := flag.NewFlagSet("service", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&addr, "addr", "127.0.0.1:8080", "the address to listen on; TLS is the proxy's in front of it")
	flags.StringVar(&opts.PlatformKeys, "platform-keys", "", "a file with the platform's keys, one a line; without it only employees' events are taken")
	flags.DurationVar(&opts.Timeout, "timeout", time.Minute, "the time limit of one run")
	flags.DurationVar(&opts.Drain, "drain", 30*time.Second, "how long a stop waits for the runs under way")
	flags.Func("bank", "`DIR=FILE[,FILE…]`: a workspace, and its Environment documents; may be repeated", func(s string) error {
		dir, files, ok := strings.Cut(s, "=")
		if !ok || dir == "" || files == "" {
			return fmt.Errorf("want a folder and its environments, such as bank=bank/environments/sandbox.yaml")
		}
		opts.Banks = append(opts.Banks, service.Bank{Dir: dir, Environments: strings.Split(files, ",")})
		return nil
	})
	if err := flags.Parse(args); err != nil {
		return opts, "", err
	}
	if flags.NArg() > 0 || len(opts.Banks) == 0 {
		fmt.Fprintln(stderr, "usage: service [flags] -bank DIR=FILE[,FILE…]")
		flags.PrintDefaults()
		return opts, "", flag.ErrHelp
	}
	return opts, addr, nil
}
