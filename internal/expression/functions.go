package expression

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"math"
	"reflect"
	"regexp"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/expr-lang/expr/vm/runtime"
)

// functions are what rewritten expressions call. Each spends from the budget;
// none keeps its arguments, whose slice the virtual machine uses again.
var functions map[string]func(r *run, args []any) any

func init() {
	functions = map[string]func(r *run, args []any) any{
		fnTick:  func(r *run, _ []any) any { r.spend(1); return nil },
		fnValue: func(r *run, a []any) any { return r.use(a[0]) },
		fnRaw:   func(r *run, a []any) any { return r.get(a[0], a[1]) },
		fnGet:   func(r *run, a []any) any { return r.use(r.get(a[0], a[1])) },
		fnOp:    func(r *run, a []any) any { return r.operator(a[0].(string), a[1], a[2]) },
		fnDate: func(r *run, a []any) any {
			days, ok := whole(only(a))
			if !ok || days > 4_000_000 || days < -4_000_000 {
				fail("GetDate takes a whole number of days")
			}
			return Date(r.in.Now, days).Format(time.RFC3339Nano)
		},
		"__len":        func(r *run, a []any) any { return r.length(only(a)) },
		"__string":     func(r *run, a []any) any { return r.text1(only(a)) },
		"__toJSON":     func(r *run, a []any) any { return r.jsonText(only(a)) },
		"__fromJSON":   func(r *run, a []any) any { return r.fromJSON(r.str(only(a))) },
		"__toBase64":   func(r *run, a []any) any { return r.toBase64(r.str(only(a))) },
		"__fromBase64": func(r *run, a []any) any { return r.fromBase64(r.str(only(a))) },
		"__upper":      func(r *run, a []any) any { return r.build(strings.ToUpper(r.long(only(a)))) },
		"__lower":      func(r *run, a []any) any { return r.build(strings.ToLower(r.long(only(a)))) },
		"__join":       func(r *run, a []any) any { return r.join(a) },
		"__replace":    func(r *run, a []any) any { return r.replace(a) },
		"__repeat":     func(r *run, a []any) any { return r.repeat(a) },
		"__split":      func(r *run, a []any) any { return r.split(a) },
		"__concat":     func(r *run, a []any) any { return r.concat(a) },
		"__flatten":    func(r *run, a []any) any { return r.flatten(nil, only(a)) },
		"__uniq":       func(r *run, a []any) any { return r.uniq(r.list(only(a))) },
		"__max":        func(r *run, a []any) any { return r.extreme(a, ">") },
		"__min":        func(r *run, a []any) any { return r.extreme(a, "<") },
		"__mean":       func(r *run, a []any) any { return mean(r.numbers(nil, a)) },
		"__median":     func(r *run, a []any) any { return median(r.numbers(nil, a)) },
	}
}

// Date is the instant that many days after now, in UTC.
func Date(now time.Time, days int) time.Time { return now.UTC().AddDate(0, 0, days) }

func only(a []any) any {
	if len(a) != 1 {
		fail("a function got %d arguments, it takes one", len(a))
	}
	return a[0]
}

// get gives a member or an item; null where there is none.
func (r *run) get(from, key any) any {
	r.spend(1)
	switch from := from.(type) {
	case nil:
		return nil
	case map[string]any:
		name, ok := key.(string)
		if !ok {
			fail("an object's member is named by text")
		}
		return from[name]
	case []any:
		i, ok := whole(key)
		if !ok {
			fail("a list's item is numbered")
		}
		if i < 0 {
			i += len(from)
		}
		if i < 0 || i >= len(from) {
			return nil
		}
		return from[i]
	}
	if r.in.Unknown != nil && r.in.Unknown(from) {
		panic(unknown{from})
	}
	switch reflect.ValueOf(from).Kind() {
	case reflect.Bool, reflect.String, reflect.Int, reflect.Float64:
		fail("a text, a number or a truth value has no members")
	}
	return runtime.Fetch(from, key)
}

func whole(v any) (int, bool) {
	switch v := v.(type) {
	case int:
		return v, true
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
			return int(v), true
		}
	case json.Number:
		i, err := strconv.Atoi(string(v))
		return i, err == nil
	}
	return 0, false
}

// length is len(). Its argument comes as it is, so that a long list is not
// made ready to be counted.
func (r *run) length(v any) any {
	if r.in.Unknown != nil && r.in.Unknown(v) {
		panic(unknown{v})
	}
	r.spend(1)
	switch v := v.(type) {
	case string:
		return utf8.RuneCountInString(v)
	case json.Number:
		fail("len() wants text, a list or an object, it got a number")
	}
	if rv := reflect.ValueOf(v); rv.Kind() == reflect.Slice || rv.Kind() == reflect.Map {
		return rv.Len()
	}
	fail("len() wants text, a list or an object, it got %s", kindOf(v))
	return nil
}

// str wants text.
func (r *run) str(v any) string {
	s, ok := v.(string)
	if !ok {
		fail("a function wants text, it got %s", kindOf(v))
	}
	r.spend(1)
	return s
}

// long wants text of which a copy will be made.
func (r *run) long(v any) string {
	s := r.str(v)
	r.spend(len(s) / 1024)
	return s
}

// list wants a list; the virtual machine's own lists become ours.
func (r *run) list(v any) []any {
	if l, ok := v.([]any); ok {
		r.spend(1)
		return l
	}
	rv := reflect.ValueOf(v)
	if !rv.IsValid() || rv.Kind() != reflect.Slice {
		fail("a function wants a list, it got %s", kindOf(v))
	}
	r.spend(rv.Len())
	l := make([]any, rv.Len())
	for i := range l {
		l[i] = rv.Index(i).Interface()
	}
	return l
}

func kindOf(v any) string {
	if v == nil {
		return "null"
	}
	switch reflect.ValueOf(v).Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.String:
		return "text"
	case reflect.Slice:
		return "a list"
	case reflect.Map:
		return "an object"
	}
	return "a number"
}

// text1 is string(): text as it is, everything else as JSON.
func (r *run) text1(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	return r.jsonText(v)
}

func (r *run) jsonText(v any) string {
	left := MaxOutput
	text, err := Marshal(r.toJSON(v, &left, 0))
	if err != nil {
		panic(failure{err.Error()})
	}
	return r.build(text)
}

func (r *run) fromJSON(s string) any {
	r.spend(1 + len(s)/64)
	d := json.NewDecoder(strings.NewReader(s))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		fail("fromJSON: this is not valid JSON")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		fail("fromJSON: more follows after the value")
	}
	return r.use(v)
}

func (r *run) toBase64(s string) string {
	r.reserve(base64.StdEncoding.EncodedLen(len(s)))
	return base64.StdEncoding.EncodeToString([]byte(s))
}

func (r *run) fromBase64(s string) string {
	text, err := DecodeBase64(s)
	if err != nil {
		fail("fromBase64: %s", err)
	}
	return r.build(text)
}

// DecodeBase64 decodes base64 in the standard or the URL alphabet, with or
// without padding and line breaks, to text.
func DecodeBase64(s string) (string, error) {
	s = strings.NewReplacer("-", "+", "_", "/", "\r", "", "\n", "").Replace(s)
	b, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(s, "="))
	if err != nil {
		return "", errors.New("this is not valid base64")
	}
	if !utf8.Valid(b) {
		return "", errors.New("the decoded bytes are not text (UTF-8)")
	}
	return string(b), nil
}

func (r *run) join(a []any) any {
	if len(a) < 1 || len(a) > 2 {
		fail("join takes a list and a separator")
	}
	items, sep := r.list(a[0]), ""
	if len(a) == 2 {
		sep = r.str(a[1])
	}
	parts, n := make([]string, len(items)), 0
	for i, item := range items {
		parts[i] = r.str(item)
		n += len(parts[i]) + len(sep)
	}
	r.reserve(n)
	return strings.Join(parts, sep)
}

func (r *run) replace(a []any) any {
	if len(a) < 3 || len(a) > 4 {
		fail("replace takes a text, what to replace, and by what")
	}
	s, old, by, n := r.str(a[0]), r.str(a[1]), r.str(a[2]), -1
	if len(a) == 4 {
		n, _ = whole(a[3])
	}
	hits := strings.Count(s, old)
	if n >= 0 {
		hits = min(hits, n)
	}
	r.reserve(len(s) + hits*(len(by)-len(old)))
	return strings.Replace(s, old, by, n)
}

func (r *run) repeat(a []any) any {
	if len(a) != 2 {
		fail("repeat takes a text and a number")
	}
	s := r.str(a[0])
	n, ok := whole(a[1])
	if !ok || n < 0 {
		fail("repeat takes a whole number that is not negative")
	}
	if n > MaxOutput {
		panic(ErrBudget)
	}
	r.reserve(len(s) * n)
	return strings.Repeat(s, n)
}

func (r *run) split(a []any) any {
	if len(a) < 2 || len(a) > 3 {
		fail("split takes a text and a separator")
	}
	s, sep, n := r.str(a[0]), r.str(a[1]), -1
	if len(a) == 3 {
		n, _ = whole(a[2])
	}
	r.reserve(len(s))
	return anys(r, strings.SplitN(s, sep, n))
}

func anys(r *run, list []string) []any {
	r.spend(len(list))
	out := make([]any, len(list))
	for i, s := range list {
		out[i] = s
	}
	return out
}

func (r *run) concat(a []any) any {
	var out []any
	for _, l := range slices.Clone(a) {
		out = append(out, r.list(l)...)
		r.grow(len(out))
	}
	return out
}

// grow bounds a list that a function builds.
func (r *run) grow(n int) {
	if n > maxItems {
		panic(ErrBudget)
	}
	r.spend(1 + n/64)
}

func (r *run) flatten(out []any, v any) []any {
	for _, item := range r.list(v) {
		r.spend(1)
		if item != nil && reflect.ValueOf(item).Kind() == reflect.Slice {
			out = r.flatten(out, item)
		} else {
			out = append(out, item)
		}
		if len(out) > maxItems {
			panic(ErrBudget)
		}
	}
	return out
}

func (r *run) uniq(list []any) any {
	var out []any
	for _, item := range list {
		if !slices.ContainsFunc(out, func(o any) bool { return r.equal(o, item) }) {
			out = append(out, item)
		}
	}
	return out
}

// numbers collects the numbers of lists within lists; nulls are left out.
func (r *run) numbers(out []any, list []any) []any {
	for _, v := range list {
		r.spend(1)
		switch {
		case v == nil:
		case reflect.ValueOf(v).Kind() == reflect.Slice:
			out = r.numbers(out, r.list(v))
		default:
			if k := kindOf(v); k != "a number" {
				fail("a function wants numbers, it got %s", k)
			}
			out = append(out, v)
		}
		if len(out) > maxItems {
			panic(ErrBudget)
		}
	}
	return out
}

func (r *run) extreme(a []any, op string) any {
	var best any
	for _, n := range r.numbers(nil, slices.Clone(a)) {
		if best == nil || r.compare(op, n, best) {
			best = n
		}
	}
	return best
}

func mean(numbers []any) any {
	if len(numbers) == 0 {
		return nil
	}
	sum := 0.0
	for _, n := range numbers {
		sum += runtime.ToFloat64(n)
	}
	return sum / float64(len(numbers))
}

func median(numbers []any) any {
	if len(numbers) == 0 {
		return nil
	}
	f := make([]float64, len(numbers))
	for i, n := range numbers {
		f[i] = runtime.ToFloat64(n)
	}
	slices.Sort(f)
	if len(f)%2 == 1 {
		return f[len(f)/2]
	}
	return (f[len(f)/2-1] + f[len(f)/2]) / 2
}

// maxMatch bounds a match: bytes of text times instructions of the pattern.
const maxMatch = 8 << 20

func (r *run) matches(text, pattern string) bool {
	r.spend(1)
	parsed, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		fail("matches: the pattern is no regular expression")
	}
	prog, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		fail("matches: the pattern is no regular expression")
	}
	if len(prog.Inst)*(1+len(text)) > maxMatch {
		panic(ErrBudget)
	}
	re, err := regexp.Compile(pattern)
	if err != nil {
		fail("matches: the pattern is no regular expression")
	}
	return re.MatchString(text)
}
