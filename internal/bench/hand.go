package bench

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/andmoneyaps/engage-playbooks/playbook"
)

// road is a transport with a delay that counts its requests. Each side has its
// own, of the same settings.
type road struct {
	base   http.RoundTripper
	delay  time.Duration
	count  atomic.Int64
	rounds rounds
}

func newRoad(delay time.Duration) *road {
	return &road{base: &http.Transport{MaxIdleConnsPerHost: 64}, delay: delay}
}

func (r *road) RoundTrip(req *http.Request) (*http.Response, error) {
	r.count.Add(1)
	place := r.rounds.sent()
	defer func() { r.rounds.answered(place) }()
	if r.delay > 0 {
		timer := time.NewTimer(r.delay)
		select {
		case <-timer.C:
		case <-req.Context().Done():
			timer.Stop()
			return nil, req.Context().Err()
		}
	}
	return r.base.RoundTrip(req)
}

// hand is what a careful Go programmer writes with net/http and encoding/json
// for one job: the same requests with the same headers, a time limit, bounded
// answers, all pages, patience when the service asks for it, ids that make a
// second run harmless. It has no retries beside that, no limits and no metadata.
type hand struct {
	http   *http.Client
	root   string
	bearer string
}

func newHand(s *service, bearer string, transport http.RoundTripper) *hand {
	return &hand{http: &http.Client{Transport: transport, Timeout: 2 * time.Minute}, root: s.URL + "/api/data/v9.2/", bearer: bearer}
}

// send sends one request and gives the answer, whose body the caller closes.
func (h *hand) send(ctx context.Context, method, path string, body []byte, header ...string) (*http.Response, error) {
	id := newID()
	for retry := 0; ; retry++ {
		req, err := http.NewRequestWithContext(ctx, method, h.root+path, bytes.NewReader(body))
		if err != nil {
			return nil, err
		}
		req.Header.Set("Authorization", "Bearer "+h.bearer)
		req.Header.Set("Accept", "application/json")
		req.Header.Set("OData-Version", "4.0")
		req.Header.Set("OData-MaxVersion", "4.0")
		req.Header.Set("If-None-Match", "null")
		req.Header.Set("User-Agent", "by-hand")
		req.Header.Set("X-Ms-Client-Request-Id", id)
		for i := 0; i+1 < len(header); i += 2 {
			req.Header.Set(header[i], header[i+1])
		}
		resp, err := h.http.Do(req)
		if err != nil {
			return nil, err
		}
		if resp.StatusCode < 300 {
			return resp, nil
		}
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
		resp.Body.Close()
		if resp.StatusCode != http.StatusTooManyRequests || retry == 5 {
			return nil, fmt.Errorf("%s %s: %s\n%s", method, path, resp.Status, text)
		}
		wait, _ := time.ParseDuration(resp.Header.Get("Retry-After") + "s")
		time.Sleep(wait)
	}
}

// maxAnswer bounds an answer.
const maxAnswer = 128 << 20

// read decodes the answer to a GET.
func (h *hand) read(ctx context.Context, path string, into any) error {
	prefer := `odata.include-annotations="OData.Community.Display.V1.FormattedValue,Microsoft.Dynamics.CRM.lookuplogicalname"`
	if !strings.Contains(path, "$top=") { // the service does not take both
		prefer += ",odata.maxpagesize=5000"
	}
	resp, err := h.send(ctx, "GET", path, nil, "Prefer", prefer)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	d := json.NewDecoder(io.LimitReader(resp.Body, maxAnswer))
	d.UseNumber()
	return d.Decode(into)
}

// row and rows are decoded as maps: which columns there are, a playbook says.
type row = map[string]any

func (h *hand) rows(ctx context.Context, path string) ([]row, error) {
	var rows []row
	for path != "" {
		var page struct {
			Value []row  `json:"value"`
			Next  string `json:"@odata.nextLink"`
		}
		if err := h.read(ctx, path, &page); err != nil {
			return nil, err
		}
		if rows == nil {
			rows = page.Value
		} else {
			rows = append(rows, page.Value...)
		}
		path = strings.TrimPrefix(page.Next, h.root)
	}
	return rows, nil
}

// write sends one write and drops the answer.
func (h *hand) write(ctx context.Context, method, path string, body any, header ...string) error {
	data, err := json.Marshal(body)
	if err != nil {
		return err
	}
	resp, err := h.send(ctx, method, path, data, append(header, "Content-Type", "application/json")...)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
	return err
}

// operation is a write of a change set.
type operation struct {
	method, path string
	body         any
}

// changeSet sends the writes as one unit and checks each answer.
func (h *hand) changeSet(ctx context.Context, writes ...operation) error {
	var body bytes.Buffer
	body.WriteString("--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n")
	for i, w := range writes {
		data, err := json.Marshal(w.body)
		if err != nil {
			return err
		}
		fmt.Fprintf(&body, "--c\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\nContent-ID: %d\r\n\r\n%s /api/data/v9.2/%s HTTP/1.1\r\nContent-Type: application/json\r\n\r\n%s\r\n", i+1, w.method, w.path, data)
	}
	body.WriteString("--c--\r\n--b--\r\n")
	resp, err := h.send(ctx, "POST", "$batch", body.Bytes(), "Content-Type", "multipart/mixed; boundary=b")
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	n, err := changeSetAnswers(resp)
	if err == nil && n != len(writes) {
		err = fmt.Errorf("%d answers to %d writes", n, len(writes))
	}
	return err
}

// changeSetAnswers counts the writes that succeeded.
func changeSetAnswers(resp *http.Response) (n int, err error) {
	_, params, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if err != nil {
		return 0, err
	}
	outer := multipart.NewReader(io.LimitReader(resp.Body, maxAnswer), params["boundary"])
	part, err := outer.NextRawPart()
	if err != nil {
		return 0, err
	}
	if _, params, err = mime.ParseMediaType(part.Header.Get("Content-Type")); err != nil {
		return 0, err
	}
	inner := multipart.NewReader(part, params["boundary"])
	for {
		member, err := inner.NextRawPart()
		if errors.Is(err, io.EOF) {
			return n, nil
		}
		if err != nil {
			return n, err
		}
		content, err := io.ReadAll(member)
		if err != nil {
			return n, err
		}
		status, headers, _ := strings.Cut(string(content), "\r\n")
		if !strings.Contains(status, " 204 ") || !strings.Contains(headers, "OData-EntityId: ") {
			return n, errors.New(status)
		}
		n++
	}
}

// newID makes a random GUID.
func newID() string {
	var u [16]byte
	rand.Read(u[:])
	return guid(u, 4)
}

// idOf makes the GUID of what a run writes: the same when the event comes again.
func idOf(ev *playbook.Event, what string) string {
	sum := sha1.Sum([]byte(ev.ID + "/" + what))
	return guid([16]byte(sum[:16]), 5)
}

func guid(u [16]byte, version byte) string {
	u[6], u[8] = u[6]&0x0f|version<<4, u[8]&0x3f|0x80
	s := hex.EncodeToString(u[:])
	return s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:]
}
