package simulator

import (
	"fmt"
	"sync"
	"time"
)

// Codes of the service protection limits (fact sheet, section 10).
const (
	codeLimitRequests    = "0x80072322"
	codeLimitTime        = "0x80072321"
	codeLimitConcurrency = "0x80072326"
)

// Limits are the service protection limits, counted for each user over a
// sliding window of the server's clock. A zero field is not limited.
type Limits struct {
	// Requests in Window; the service has 6,000. A batch is one request.
	Requests int
	// Time is the combined execution time in Window; the service has 20
	// minutes. What a request costs is its time by the server's clock plus
	// PerOperation for each of its operations.
	Time time.Duration
	// PerOperation is the execution time charged for each operation, so that
	// the limit can be reached on a clock that stands still.
	PerOperation time.Duration
	// Concurrent is how many requests of a user may be under way; the service
	// has 52.
	Concurrent int
	// Window is the length of the sliding window; zero means the service's
	// 300 seconds.
	Window time.Duration
}

// ServiceLimits are the limits of the service itself.
var ServiceLimits = Limits{Requests: 6000, Time: 20 * time.Minute, Concurrent: 52, Window: 5 * time.Minute}

func (l *Limits) on() bool { return l.Requests > 0 || l.Time > 0 || l.Concurrent > 0 }

func (l *Limits) window() time.Duration {
	if l.Window > 0 {
		return l.Window
	}
	return 5 * time.Minute
}

// limitError is the refusal of a request by a service protection limit.
type limitError struct {
	code       string
	message    string
	retryAfter time.Duration
}

// limiter counts what users spend.
type limiter struct {
	mu    sync.Mutex
	users map[string]*usage
}

type usage struct {
	running int
	spent   []charge // in order of time
}

type charge struct {
	at   time.Time
	took time.Duration
}

// enter admits a request of a user, or says why not.
func (l *limiter) enter(user string, now time.Time, lim *Limits) *limitError {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.users == nil {
		l.users = make(map[string]*usage)
	}
	u := l.users[user]
	if u == nil {
		u = &usage{}
		l.users[user] = u
	}
	u.forget(now.Add(-lim.window()))
	var sum time.Duration
	for _, c := range u.spent {
		sum += c.took
	}
	switch {
	case lim.Concurrent > 0 && u.running >= lim.Concurrent:
		return &limitError{codeLimitConcurrency, fmt.Sprintf("Number of concurrent requests exceeded the limit of %d.", lim.Concurrent), time.Second}
	case lim.Requests > 0 && len(u.spent)+u.running >= lim.Requests:
		return &limitError{codeLimitRequests,
			fmt.Sprintf("Number of requests exceeded the limit of %d over time window of %d seconds.", lim.Requests, int(lim.window().Seconds())),
			u.pause(now, lim.window())}
	case lim.Time > 0 && sum >= lim.Time:
		return &limitError{codeLimitTime,
			fmt.Sprintf("Combined execution time of incoming requests exceeded limit of %s milliseconds over time window of %d seconds. Decrease number of concurrent requests or reduce the duration of requests and try again later.",
				grouped(lim.Time.Milliseconds()), int(lim.window().Seconds())),
			u.pause(now, lim.window())}
	}
	u.running++
	return nil
}

// leave records what an admitted request cost.
func (l *limiter) leave(user string, start, now time.Time, operations int, lim *Limits) {
	l.mu.Lock()
	defer l.mu.Unlock()
	u := l.users[user]
	u.running--
	u.spent = append(u.spent, charge{at: start, took: now.Sub(start) + time.Duration(operations)*lim.PerOperation})
}

// remaining is what x-ms-ratelimit-* says: requests and execution time left.
func (l *limiter) remaining(user string, lim *Limits) (requests int, left time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	requests, left = lim.Requests, lim.Time
	if u := l.users[user]; u != nil {
		requests -= len(u.spent) + u.running
		for _, c := range u.spent {
			left -= c.took
		}
	}
	return max(requests, 0), max(left, 0)
}

func (u *usage) forget(before time.Time) {
	i := 0
	for i < len(u.spent) && !u.spent[i].at.After(before) {
		i++
	}
	u.spent = u.spent[i:]
}

// pause is how long it takes until the oldest charge leaves the window, at
// least a second.
func (u *usage) pause(now time.Time, window time.Duration) time.Duration {
	if len(u.spent) == 0 {
		return time.Second
	}
	return max(u.spent[0].at.Add(window).Sub(now), time.Second)
}

// limitText is the service's text for a limit at the service's own figures.
func limitText(code string) string {
	switch code {
	case codeLimitTime:
		return "Combined execution time of incoming requests exceeded limit of 1,200,000 milliseconds over time window of 300 seconds. Decrease number of concurrent requests or reduce the duration of requests and try again later."
	case codeLimitConcurrency:
		return "Number of concurrent requests exceeded the limit of 52."
	default:
		return "Number of requests exceeded the limit of 6000 over time window of 300 seconds."
	}
}

// grouped writes a number with commas, as the service does in its texts.
func grouped(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
