package simulator

import (
	"strings"
	"time"
)

// period is a span of time, from inclusive, to exclusive. A zero bound is
// open.
type period struct{ from, to time.Time }

func (p period) contains(t time.Time) bool {
	return (p.from.IsZero() || !t.Before(p.from)) && (p.to.IsZero() || t.Before(p.to))
}

// periodOf gives the span that a relative date operator means, in UTC: the
// names are those of the query functions, "Last7Days" or "LastXHours", and n
// is their number. Weeks begin on Sunday (organization.weekstartdaycode 0).
// A period of X units leaves the present unit out of the past and the future,
// but for its part up to now (FACTS.md, relative dates). Now is a whole second,
// as columns have it, and belongs to both: what was created in this second is
// found at once.
func periodOf(name string, n int, now time.Time) (period, bool) {
	now = now.UTC()
	today := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, time.UTC)
	week := today.AddDate(0, 0, -int(today.Weekday()))
	month := time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, time.UTC)
	year := time.Date(now.Year(), time.January, 1, 0, 0, 0, 0, time.UTC)
	untilNow := now.Truncate(time.Second).Add(time.Second)
	days := func(from, to int) (period, bool) {
		return period{today.AddDate(0, 0, from), today.AddDate(0, 0, to)}, true
	}
	switch name {
	case "Today":
		return days(0, 1)
	case "Yesterday":
		return days(-1, 0)
	case "Tomorrow":
		return days(1, 2)
	case "Last7Days":
		return period{today.AddDate(0, 0, -7), untilNow}, true
	case "Next7Days":
		return period{now, today.AddDate(0, 0, 8)}, true
	case "LastWeek":
		return period{week.AddDate(0, 0, -7), week}, true
	case "ThisWeek":
		return period{week, week.AddDate(0, 0, 7)}, true
	case "NextWeek":
		return period{week.AddDate(0, 0, 7), week.AddDate(0, 0, 14)}, true
	case "LastMonth":
		return period{month.AddDate(0, -1, 0), month}, true
	case "ThisMonth":
		return period{month, month.AddDate(0, 1, 0)}, true
	case "NextMonth":
		return period{month.AddDate(0, 1, 0), month.AddDate(0, 2, 0)}, true
	case "LastYear":
		return period{year.AddDate(-1, 0, 0), year}, true
	case "ThisYear":
		return period{year, year.AddDate(1, 0, 0)}, true
	case "NextYear":
		return period{year.AddDate(1, 0, 0), year.AddDate(2, 0, 0)}, true
	}
	hour := now.Truncate(time.Hour)
	switch head, unit, _ := strings.Cut(name, "X"); head {
	case "Last":
		switch unit {
		case "Hours":
			return period{hour.Add(time.Duration(-n) * time.Hour), untilNow}, true
		case "Days":
			return period{today.AddDate(0, 0, -n), untilNow}, true
		case "Weeks":
			return period{today.AddDate(0, 0, -7*n), untilNow}, true
		case "Months":
			return period{today.AddDate(0, -n, 0), untilNow}, true
		case "Years":
			return period{today.AddDate(-n, 0, 0), untilNow}, true
		}
	case "Next":
		switch unit {
		case "Hours":
			return period{now, hour.Add(time.Duration(n+1) * time.Hour)}, true
		case "Days":
			return period{now, today.AddDate(0, 0, n+1)}, true
		case "Weeks":
			return period{now, today.AddDate(0, 0, 7*n+1)}, true
		case "Months":
			return period{now, today.AddDate(0, n, 1)}, true
		case "Years":
			return period{now, today.AddDate(n, 0, 1)}, true
		}
	case "OlderThan":
		switch unit {
		case "Minutes":
			return period{to: now.Truncate(time.Minute).Add(time.Duration(-n) * time.Minute)}, true
		case "Hours":
			return period{to: hour.Add(time.Duration(-n) * time.Hour)}, true
		case "Days":
			return period{to: today.AddDate(0, 0, -n)}, true
		case "Weeks":
			return period{to: today.AddDate(0, 0, -7*n)}, true
		case "Months":
			return period{to: today.AddDate(0, -n, 0)}, true
		case "Years":
			return period{to: today.AddDate(-n, 0, 0)}, true
		}
	}
	return period{}, false
}

// timeOf gives a date value as a point in time.
func timeOf(v any) (time.Time, bool) {
	switch v := v.(type) {
	case instant:
		return v.time(), true
	case day:
		return v.time(), true
	}
	return time.Time{}, false
}
