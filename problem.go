package engage

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Pos is a place in a document: a slash-separated path relative to the
// workspace, and a line and column counted from 1. A zero Line means the file
// as a whole; a zero Pos means no place is known.
type Pos struct {
	File string
	Line int
	Col  int
}

// IsValid reports whether p names at least a file.
func (p Pos) IsValid() bool { return p.File != "" }

// String gives file:line:col, without the parts that are not known.
func (p Pos) String() string {
	if !p.IsValid() {
		return "-"
	}
	if p.Line == 0 {
		return p.File
	}
	return p.File + ":" + strconv.Itoa(p.Line) + ":" + strconv.Itoa(p.Col)
}

// Compare orders positions by file, line and column.
func (p Pos) Compare(q Pos) int {
	return cmp.Or(
		strings.Compare(p.File, q.File),
		cmp.Compare(p.Line, q.Line),
		cmp.Compare(p.Col, q.Col),
	)
}

// Severity says whether a problem stops a workspace from loading.
type Severity uint8

const (
	// Error stops loading.
	Error Severity = iota
	// Warning does not.
	Warning
)

func (s Severity) String() string {
	if s == Warning {
		return "warning"
	}
	return "error"
}

// Problem is one finding in a document: what is wrong, where, and, where it
// can be told, what would be right.
type Problem struct {
	Pos      Pos
	Severity Severity
	// Code is the stable name of the rule, as docs/rules.md lists it.
	Code string
	// Message says what is wrong, in one line, without the position.
	Message string
	// Suggestion says what to write instead; empty if nothing can be told.
	Suggestion string
	// Err is the cause, if another error lies underneath.
	Err error
}

// Error gives "file:line:col: severity: message", and the suggestion in
// parentheses.
func (p *Problem) Error() string {
	s := p.Pos.String() + ": " + p.Severity.String() + ": " + p.Message
	if p.Suggestion != "" {
		s += " (" + p.Suggestion + ")"
	}
	return s
}

// Unwrap returns the cause, so that errors.Is and errors.As reach it.
func (p *Problem) Unwrap() error { return p.Err }

// Problems is a list of findings. It is an error; see Err.
type Problems []*Problem

// Errorf adds a problem of severity Error.
func (ps *Problems) Errorf(pos Pos, code, format string, args ...any) *Problem {
	return ps.add(pos, Error, code, format, args...)
}

// Warnf adds a problem of severity Warning.
func (ps *Problems) Warnf(pos Pos, code, format string, args ...any) *Problem {
	return ps.add(pos, Warning, code, format, args...)
}

func (ps *Problems) add(pos Pos, sev Severity, code, format string, args ...any) *Problem {
	p := &Problem{Pos: pos, Severity: sev, Code: code, Message: fmt.Sprintf(format, args...)}
	*ps = append(*ps, p)
	return p
}

// Sort orders the problems by position, then code, then message, and drops
// exact repetitions.
func (ps *Problems) Sort() {
	slices.SortStableFunc(*ps, func(a, b *Problem) int {
		return cmp.Or(a.Pos.Compare(b.Pos), strings.Compare(a.Code, b.Code), strings.Compare(a.Message, b.Message))
	})
	*ps = slices.CompactFunc(*ps, func(a, b *Problem) bool {
		return a.Pos == b.Pos && a.Code == b.Code && a.Message == b.Message
	})
}

// HasErrors reports whether any problem has severity Error.
func (ps Problems) HasErrors() bool {
	return slices.ContainsFunc(ps, func(p *Problem) bool { return p.Severity == Error })
}

// Err returns the sorted list, warnings included, if it holds an error, and
// nil otherwise: warnings alone are no failure.
func (ps Problems) Err() error {
	if !ps.HasErrors() {
		return nil
	}
	out := slices.Clone(ps)
	out.Sort()
	return out
}

// Error gives one problem a line.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap lets errors.Is and errors.As reach every problem.
func (ps Problems) Unwrap() []error {
	errs := make([]error, len(ps))
	for i, p := range ps {
		errs[i] = p
	}
	return errs
}
