package simulator

import (
	"strings"
	"time"
)

// fiscalTest is for fiscal periods: quarters of the calendar year, which is
// what an organisation starts with (DV084).
func fiscalTest(name string, n []int, now time.Time) (func(time.Time) bool, error) {
	quarter := func(t time.Time) int { return t.Year()*4 + (int(t.Month())-1)/3 }
	this := quarter(now)
	between := func(f func(time.Time) int, lo, hi int) func(time.Time) bool {
		return func(t time.Time) bool { return f(t) >= lo && f(t) <= hi }
	}
	need := 0
	switch name {
	case "InFiscalPeriodAndYear", "InOrAfterFiscalPeriodAndYear", "InOrBeforeFiscalPeriodAndYear":
		need = 2
	case "InFiscalPeriod", "InFiscalYear", "LastXFiscalPeriods", "LastXFiscalYears", "NextXFiscalPeriods", "NextXFiscalYears":
		need = 1
	}
	if len(n) < need {
		return nil, errQuery("The query function 'Microsoft.Dynamics.CRM.%s' needs %d values.", name, need)
	}
	switch name {
	case "InFiscalPeriod":
		return func(t time.Time) bool { return quarter(t)%4+1 == n[0] }, nil
	case "InFiscalYear":
		return between(time.Time.Year, n[0], n[0]), nil
	case "InFiscalPeriodAndYear", "InOrAfterFiscalPeriodAndYear", "InOrBeforeFiscalPeriodAndYear":
		at := n[1]*4 + n[0] - 1
		lo, hi := at, at
		if strings.HasPrefix(name, "InOrAfter") {
			hi = 1 << 30
		} else if strings.HasPrefix(name, "InOrBefore") {
			lo = 0
		}
		return between(quarter, lo, hi), nil
	case "ThisFiscalPeriod":
		return between(quarter, this, this), nil
	case "LastFiscalPeriod":
		return between(quarter, this-1, this-1), nil
	case "NextFiscalPeriod":
		return between(quarter, this+1, this+1), nil
	case "ThisFiscalYear":
		return between(time.Time.Year, now.Year(), now.Year()), nil
	case "LastFiscalYear":
		return between(time.Time.Year, now.Year()-1, now.Year()-1), nil
	case "NextFiscalYear":
		return between(time.Time.Year, now.Year()+1, now.Year()+1), nil
	case "LastXFiscalPeriods":
		return between(quarter, this-n[0], this-1), nil
	case "NextXFiscalPeriods":
		return between(quarter, this+1, this+n[0]), nil
	case "LastXFiscalYears":
		return between(time.Time.Year, now.Year()-n[0], now.Year()-1), nil
	case "NextXFiscalYears":
		return between(time.Time.Year, now.Year()+1, now.Year()+n[0]), nil
	}
	return nil, errQuery("An unknown function with name 'Microsoft.Dynamics.CRM.%s' was found. This may also be a function import or a key lookup on a navigation property, which is not allowed.", name)
}
