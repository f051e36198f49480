// Command loadtest posts events of many employees to the service, which runs as
// a process of its own beside a simulated bank, and prints what it took. Start
// it in the root of the repository.
package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/andmoneyaps/engage-playbooks/examples/service/internal/simulated"
)

func main() {
	log.SetFlags(0)
	rate := flag.Float64("rate", 20, "events a second")
	events := flag.Int("events", 600, "how many events")
	employees := flag.Int("employees", 100, "how many employees take turns")
	flag.Parse()
	folder, err := os.MkdirTemp("", "engage-load")
	check(err)
	defer os.RemoveAll(folder)
	bank, err := simulated.Start("examples/portal-meeting", folder, "6f0a1c1e-0000-4000-8000-000000000001", "bank", nil)
	check(err)
	defer bank.Close()
	binary := filepath.Join(folder, "service")
	build := exec.Command("go", "build", "-o", binary, "./examples/service")
	build.Stderr = os.Stderr
	check(build.Run())
	service := exec.Command(binary, "-addr", "127.0.0.1:0", "-bank", bank.Dir+"="+bank.Environment)
	out, err := service.StdoutPipe()
	check(err)
	check(service.Start())
	defer func() { _ = service.Process.Kill() }()
	var line struct{ URL string }
	check(json.NewDecoder(out).Decode(&line))

	template, err := os.ReadFile("examples/portal-meeting/events/booked.json")
	check(err)
	// The service learns who acts from the token; the event names nobody.
	text := strings.Replace(string(template), `"objectId": "5b1f2c7e-2f43-4d0a-8a60-0d1c6f0e7a01"`, `"id": "load"`, 1)
	tokens := make([]string, *employees)
	for i := range tokens {
		tokens[i] = bank.Employee(fmt.Sprintf("employee%d@bank.example", i))
	}
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 1000}}
	took, statuses := make([]time.Duration, *events), map[int]int{}
	var all sync.WaitGroup
	var mu sync.Mutex
	began := time.Now()
	for i := range *events {
		// Events come when they are due, whether or not others are answered:
		// waiting for the service would hide how long it takes.
		due := began.Add(time.Duration(float64(i) / *rate * float64(time.Second)))
		time.Sleep(time.Until(due))
		all.Go(func() {
			body := strings.Replace(text, "8f0e4a52-6a3c-4f7e-9a53-1f0f6f3f2b11", fmt.Sprintf("load-%d", i), 1)
			req, err := http.NewRequest(http.MethodPost, line.URL+"/tenants/"+bank.Server.TenantID+"/events", bytes.NewReader([]byte(body)))
			check(err)
			req.Header.Set("Authorization", "Bearer "+tokens[i%len(tokens)])
			status := 0
			if res, err := client.Do(req); err == nil {
				_, _ = io.Copy(io.Discard, res.Body)
				_ = res.Body.Close()
				status = res.StatusCode
			}
			mu.Lock()
			took[i], statuses[status] = time.Since(due), statuses[status]+1
			mu.Unlock()
		})
	}
	all.Wait()
	wall := time.Since(began)
	check(service.Process.Signal(syscall.SIGTERM))
	check(service.Wait()) // exit code 0
	usage := service.ProcessState.SysUsage().(*syscall.Rusage)
	slices.SortFunc(took, cmp.Compare)
	at := func(q float64) time.Duration { return took[int(q*float64(len(took)-1))].Round(100 * time.Microsecond) }
	cpu := service.ProcessState.UserTime() + service.ProcessState.SystemTime()
	fmt.Printf("events %d of %d employees, %.1f/s asked for, %.1f/s answered, by status %v\n", *events, *employees, *rate, float64(*events)/wall.Seconds(), statuses)
	fmt.Printf("latency p50 %s, p99 %s, longest %s\n", at(0.5), at(0.99), at(1))
	fmt.Printf("service: %.2f ms of CPU an event, %d MiB at its peak\n", float64(cpu.Microseconds())/1000/float64(*events), usage.Maxrss>>10)
	fmt.Printf("appointments in the CRM: %d\n", len(bank.Server.Records("appointments")))
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
