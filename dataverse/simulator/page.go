package simulator

import (
	"hash/fnv"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// A paging cookie is an XML element in another's attribute: which page comes
// next, and the first and last ids of the one before (fact sheet 4.6). The
// page goes on after the last id; if that row is gone, after as many rows as
// the pages before had.

// skipToken gives the escaped token for the page after these rows.
func skipToken(page int, rows []*record, t *Table) string {
	var first, last guid
	if n := len(rows); n > 0 {
		first, last = rows[0].id, rows[n-1].id
	}
	inner := `%3ccookie%20page%3d%22` + strconv.Itoa(page) + `%22%3e%3c` + t.PrimaryID +
		`%20last%3d%22` + lowerEscape(last.braced()) + `%22%20first%3d%22` + lowerEscape(first.braced()) + `%22%20%2f%3e%3c%2fcookie%3e`
	return `%3Ccookie%20pagenumber=%22` + strconv.Itoa(page+1) + `%22%20pagingcookie=%22` +
		strings.ReplaceAll(inner, "%", "%25") + `%22%20istracking=%22False%22%20/%3E`
}

func lowerEscape(s string) string {
	return strings.NewReplacer("{", "%7b", "}", "%7d").Replace(s)
}

// nextLink repeats the request with the token of the next page.
func (c *call) nextLink(page int, rows []*record, t *Table) string {
	var kept []string
	for pair := range strings.SplitSeq(c.rawQuery, "&") {
		name, _, _ := strings.Cut(pair, "=")
		if name, err := url.QueryUnescape(name); err == nil && name != "$skiptoken" && pair != "" {
			kept = append(kept, pair)
		}
	}
	c.server.cookies.bind(cookieKeyOf(page, rows, t), strings.Join(kept, "&"))
	kept = append(kept, "$skiptoken="+skipToken(page, rows, t))
	return c.base + "/" + c.path + "?" + strings.Join(kept, "&")
}

// pageToken is a token that was read: the page that it asks for, and the last
// id of the one before. Page 0 means that there was none.
type pageToken struct {
	page int
	last guid
}

var cookieFields = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^<cookie pagenumber="(\d{1,9})" pagingcookie="([^"]*)" istracking="(?:False|True)" ?/>$`)
})
var innerCookie = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^<cookie page="(\d{1,9})"><(\w+) last="\{([0-9A-Fa-f-]{36})\}" first="\{([0-9A-Fa-f-]{36})\}" ?/></cookie>$`)
})

// readSkipToken reads $skiptoken, encoded once or twice (DV082).
func (c *call) readSkipToken(t *Table) (pageToken, error) {
	text, ok := c.options["$skiptoken"]
	if !ok {
		return pageToken{}, nil
	}
	malformed := errQuery("Malformed XML in the Paging Cookie")
	outer := text[0]
	for range 2 {
		if strings.HasPrefix(outer, "<") {
			break
		}
		if s, err := url.PathUnescape(outer); err == nil {
			outer = s
		}
	}
	m := cookieFields().FindStringSubmatch(outer)
	if m == nil {
		return pageToken{}, malformed
	}
	inner := m[2]
	for range 3 {
		if strings.HasPrefix(inner, "<") {
			break
		}
		s, err := url.PathUnescape(inner)
		if err != nil {
			return pageToken{}, malformed
		}
		inner = s
	}
	k := innerCookie().FindStringSubmatch(inner)
	if k == nil {
		return pageToken{}, malformed
	}
	if k[2] != t.PrimaryID {
		return pageToken{}, errQuery("The paging cookie does not belong to this query: it names '%s'.", k[2]) // DV083
	}
	last, ok := parseGUID(k[3])
	if !ok {
		return pageToken{}, malformed
	}
	page, _ := strconv.Atoi(m[1])
	first, _ := parseGUID(k[4])
	if !c.server.cookies.fits(cookieKey{k[2], page, first, last}, c.options) {
		return pageToken{}, errQuery("The paging cookie does not belong to this query: it was given for other query options.") // DV083
	}
	return pageToken{page, last}, nil
}

// cookieKey is what a token says.
type cookieKey struct {
	table       string
	page        int
	first, last guid
}

// cookieKeyOf is the key of the token for the page after these rows.
func cookieKeyOf(page int, rows []*record, t *Table) cookieKey {
	key := cookieKey{table: t.PrimaryID, page: page + 1}
	if n := len(rows); n > 0 {
		key.first, key.last = rows[0].id, rows[n-1].id
	}
	return key
}

// cookieJar remembers for which query options tokens were given (fact sheet
// 13.2): their documented shape has no room for it.
type cookieJar struct {
	mu sync.Mutex
	// options are hashes of the options by token.
	options map[cookieKey][]uint64
}

// maxCookies bounds the memory of tokens; one that is forgotten fits any query.
const maxCookies = 10_000

// bind notes that the token was given for the query string.
func (j *cookieJar) bind(key cookieKey, query string) {
	options, err := parseOptions(query)
	if err != nil {
		return
	}
	hash := hashOptions(options)
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.options == nil || len(j.options) >= maxCookies {
		j.options = map[cookieKey][]uint64{}
	}
	if !slices.Contains(j.options[key], hash) {
		j.options[key] = append(j.options[key], hash)
	}
}

// fits reports whether the token was given for these options.
func (j *cookieJar) fits(key cookieKey, options url.Values) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	known, ok := j.options[key]
	return !ok || slices.Contains(known, hashOptions(options))
}

// hashOptions hashes the options but for the token; their order is free.
func hashOptions(options url.Values) uint64 {
	h := fnv.New64a()
	for _, name := range slices.Sorted(maps.Keys(options)) {
		if name == "$skiptoken" {
			continue
		}
		for _, value := range options[name] {
			h.Write([]byte(name + "=" + value + "&"))
		}
	}
	return h.Sum64()
}

// rest gives the rows from the token's page on.
func (k pageToken) rest(rows []*record, size int) []*record {
	if k.page <= 1 {
		return rows
	}
	if i := slices.IndexFunc(rows, func(r *record) bool { return r.id == k.last }); i >= 0 {
		return rows[i+1:]
	}
	return rows[min(len(rows), (k.page-1)*size):]
}
