package simulator

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

const (
	maxFetchBytes = 64 << 10 // a fetch travels in a URL, which is shorter
	maxFetchDepth = 32
	maxFetchNodes = 5000
	maxFetchLinks = 15 // documented limit of link-entity elements in one query
)

// fetchQuery is a parsed FetchXML document (FetchXML reference in Microsoft's
// documentation; FACTS.md, FetchXML).
type fetchQuery struct {
	top, count, page int
	pagingCookie     string
	distinct         bool
	aggregate        bool
	returnTotal      bool
	entity           *fetchEntity
}

// fetchEntity is an entity or link-entity element.
type fetchEntity struct {
	name       string
	alias      string
	attributes []fetchAttribute
	all        bool
	orders     []fetchOrder
	filters    []*fetchFilter
	links      []*fetchEntity

	// of a link-entity only
	from, to  string
	linkType  string // inner, outer, exists, in, any, "not any", all, "not all", matchfirstrowusingcrossapply
	intersect bool
}

type fetchAttribute struct {
	name, alias  string
	aggregate    string // avg count countcolumn max min sum
	groupBy      bool
	dateGrouping string // day week month quarter year fiscal-period fiscal-year
	distinct     bool
}

type fetchOrder struct {
	attribute, alias, entityName string
	descending                   bool
}

// fetchFilter joins conditions and nested filters by and, or by or. Links are
// the link-entity elements of type any, all and their negations.
type fetchFilter struct {
	or         bool
	conditions []fetchCondition
	filters    []*fetchFilter
	links      []*fetchEntity
}

type fetchCondition struct {
	attribute, operator string
	entityName          string
	valueOf             string
	values              []string
}

// Codes of the platform's query builder (Microsoft's web service error codes).
const (
	codeInvalidFetchXML          = "0x80040303"
	codeFetchNoEntity            = "0x80041102"
	codeFetchNoAttribute         = "0x80041103"
	codeFetchInvalidValue        = "0x80041108"
	codeFetchAliasUnknown        = "0x8004110a"
	codeFetchLinkType            = "0x80041117"
	codeFetchInvalidAggregate    = "0x8004111a"
	codeFetchInvalidNode         = "0x8004111c"
	codeFetchAttributeMissing    = "0x8004111e"
	codeFetchUnsupportedOperator = "0x80041120"
	codeFetchFilterType          = "0x80041122"
	codeFetchEntitiesDontMatch   = "0x80041128"
	codeFetchPagingCookie        = "0x8004112a"
	codeFetchAggregateType       = "0x8004112f"
	codeFetchDuplicateAlias      = "0x80041130"
	codeFetchOrderNeedsAlias     = "0x80041134"
	codeFetchDateGrouping        = "0x80041135"
)

func fetchErrorf(code, format string, args ...any) error {
	return failf(http.StatusBadRequest, code, format, args...)
}

// fetchNode is one XML element, read with limits before it is understood.
type fetchNode struct {
	name     string
	attrs    map[string]string
	children []*fetchNode
	text     string
}

// parseFetch reads a FetchXML document. Elements and attributes that the
// simulator does not know are errors that name them.
func parseFetch(text string) (*fetchQuery, error) {
	root, err := readFetchNodes(text)
	if err != nil {
		return nil, err
	}
	if root.name != "fetch" {
		return nil, fetchErrorf(codeInvalidFetchXML, "Malformed XML in the Fetch statement: the root element is '%s', not 'fetch'.", root.name)
	}
	b := &fetchBuilder{aliases: make(map[string]bool)}
	q := &fetchQuery{page: 1}
	ns := nodeReader{node: root}
	q.top = ns.number("top")
	q.count = ns.number("count")
	if root.attrs["page"] != "" {
		q.page = ns.number("page")
	}
	q.pagingCookie = ns.text("paging-cookie")
	q.distinct = ns.flag("distinct")
	q.aggregate = ns.flag("aggregate")
	q.returnTotal = ns.flag("returntotalrecordcount")
	ns.ignore("version", "output-format", "mapping", "no-lock", "latematerialize", "options", "useraworderby",
		"aggregatelimit", "datasource", "utc-offset", "min-active-row-version", "savedqueryid")
	if err := ns.err(); err != nil {
		return nil, err
	}
	if q.top > 0 && (q.count > 0 || root.attrs["page"] != "") {
		return nil, fetchErrorf(codeInvalidFetchXML, "The top attribute can't be specified with paging attribute page")
	}
	if q.page < 1 {
		return nil, fetchErrorf(codeFetchPagingCookie, "Invalid page number in paging cookie.")
	}
	for _, child := range root.children {
		if child.name != "entity" || q.entity != nil {
			return nil, invalidNode(child, "entity")
		}
		if q.entity, err = b.entity(child, q, false); err != nil {
			return nil, err
		}
	}
	if q.entity == nil {
		return nil, fetchErrorf(codeFetchNoEntity, "Malformed FetchXml: the fetch element has no entity.")
	}
	return q, nil
}

func readFetchNodes(text string) (*fetchNode, error) {
	if strings.TrimSpace(text) == "" {
		return nil, fetchErrorf(codeInvalidFetchXML, "Xml String can't be null.")
	}
	if len(text) > maxFetchBytes {
		return nil, fetchErrorf(codeInvalidFetchXML, "The FetchXml is longer than %d bytes.", maxFetchBytes)
	}
	d := xml.NewDecoder(strings.NewReader(text))
	d.Entity = map[string]string{} // no entities beyond XML's five
	var stack []*fetchNode
	var root *fetchNode
	for n := 0; ; {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fetchErrorf(codeInvalidFetchXML, "Invalid XML. %s", err)
		}
		switch t := tok.(type) {
		case xml.StartElement:
			if n++; n > maxFetchNodes || len(stack) >= maxFetchDepth {
				return nil, fetchErrorf(codeInvalidFetchXML, "The FetchXml has too many or too deeply nested elements.")
			}
			node := &fetchNode{name: t.Name.Local, attrs: make(map[string]string, len(t.Attr))}
			for _, a := range t.Attr {
				if a.Name.Space == "" && a.Name.Local != "xmlns" {
					node.attrs[a.Name.Local] = a.Value
				}
			}
			switch {
			case len(stack) > 0:
				up := stack[len(stack)-1]
				up.children = append(up.children, node)
			case root == nil:
				root = node
			default:
				return nil, fetchErrorf(codeInvalidFetchXML, "Invalid XML. There are multiple root elements.")
			}
			stack = append(stack, node)
		case xml.EndElement:
			stack = stack[:len(stack)-1]
		case xml.CharData:
			if len(stack) > 0 {
				stack[len(stack)-1].text += string(t)
			}
		case xml.Directive:
			return nil, fetchErrorf(codeInvalidFetchXML, "For security reasons DTD is prohibited in this XML document.")
		}
	}
	if root == nil || len(stack) > 0 {
		return nil, fetchErrorf(codeInvalidFetchXML, "Invalid XML. Root element is missing or not closed.")
	}
	return root, nil
}

func invalidNode(n *fetchNode, valid string) error {
	return fetchErrorf(codeFetchInvalidNode, "Invalid Child Node, valid nodes are %s. NodeName = %s", valid, n.name)
}

// nodeReader takes the attributes of an element one by one; what is left over
// is an error that names it.
type nodeReader struct {
	node *fetchNode
	seen []string
	bad  error
}

func (r *nodeReader) ignore(names ...string) { r.seen = append(r.seen, names...) }

func (r *nodeReader) text(name string) string {
	r.ignore(name)
	return strings.TrimSpace(r.node.attrs[name])
}

func (r *nodeReader) required(name string) string {
	v := r.text(name)
	if v == "" && r.bad == nil {
		r.bad = fetchErrorf(codeFetchAttributeMissing, "A required attribute was not specified. NodeName = %s, Attribute = %s", r.node.name, name)
	}
	return v
}

func (r *nodeReader) number(name string) int {
	v := r.text(name)
	if v == "" {
		return 0
	}
	n, err := strconv.Atoi(v)
	if (err != nil || n < 0) && r.bad == nil {
		r.bad = fetchErrorf(codeFetchInvalidValue, "Invalid value '%s' of attribute '%s': a number that is not negative was expected.", v, name)
	}
	return n
}

func (r *nodeReader) flag(name string) bool {
	switch v := r.text(name); v {
	case "", "false", "0":
		return false
	case "true", "1":
		return true
	default:
		if r.bad == nil {
			r.bad = fetchErrorf(codeFetchInvalidValue, "The only valid values for %s attribute are 'true', 'false', '1', and '0'.", name)
		}
		return false
	}
}

func (r *nodeReader) err() error {
	if r.bad != nil {
		return r.bad
	}
next:
	for name := range r.node.attrs {
		for _, s := range r.seen {
			if s == name {
				continue next
			}
		}
		return fetchErrorf(codeFetchInvalidNode, "Invalid attribute '%s' of element '%s'.", name, r.node.name)
	}
	return nil
}

// fetchBuilder keeps what is counted over the whole document.
type fetchBuilder struct {
	links   int
	aliases map[string]bool
}

const validEntityNodes = "filter, order, link-entity, attribute, all-attributes, no-attrs"

func (b *fetchBuilder) entity(n *fetchNode, q *fetchQuery, link bool) (*fetchEntity, error) {
	r := nodeReader{node: n}
	e := &fetchEntity{name: r.required("name")}
	if link {
		if b.links++; b.links > maxFetchLinks {
			return nil, fetchErrorf(codeInvalidFetchXML, "Number of link entity: %d exceed limit %d", b.links, maxFetchLinks)
		}
		e.from, e.to, e.alias = r.text("from"), r.text("to"), r.text("alias")
		e.linkType, e.intersect = r.text("link-type"), r.flag("intersect")
		r.ignore("visible", "enableprefiltering", "prefilterparametername")
		switch e.linkType {
		case "":
			e.linkType = "inner"
		case "natural":
			e.linkType = "inner"
		case "inner", "outer", "exists", "in", "any", "not any", "all", "not all", "matchfirstrowusingcrossapply":
		default:
			return nil, fetchErrorf(codeFetchLinkType, "The only valid values for link-type attribute are 'natural', 'inner', and 'outer'. Value = %s", e.linkType)
		}
		if (e.from == "") != (e.to == "") {
			return nil, fetchErrorf("0x80041111", "AttributeFrom and AttributeTo must be either both specified or both omitted.")
		}
		if e.alias == "" {
			e.alias = fmt.Sprintf("%s%d", e.name, b.links)
		}
		if b.aliases[e.alias] {
			return nil, fetchErrorf(codeFetchDuplicateAlias, "FetchXML should have unique aliases. Redefined alias = %s", e.alias)
		}
		b.aliases[e.alias] = true
	} else {
		r.ignore("enableprefiltering", "prefilterparametername")
	}
	if err := r.err(); err != nil {
		return nil, err
	}
	for _, child := range n.children {
		if err := b.entityChild(e, child, q); err != nil {
			return nil, err
		}
	}
	return e, nil
}

func (b *fetchBuilder) entityChild(e *fetchEntity, n *fetchNode, q *fetchQuery) error {
	switch n.name {
	case "attribute":
		a, err := b.attribute(n, q)
		e.attributes = append(e.attributes, a)
		return err
	case "all-attributes":
		if q.aggregate {
			return fetchErrorf("0x80041107", "Attributes can not be returned when aggregate operation is specified.")
		}
		e.all = true
	case "no-attrs":
	case "order":
		o, err := fetchOrderOf(n, q)
		e.orders = append(e.orders, o)
		return err
	case "filter":
		f, err := b.filter(n, q)
		e.filters = append(e.filters, f)
		return err
	case "link-entity":
		l, err := b.entity(n, q, true)
		e.links = append(e.links, l)
		return err
	default:
		return invalidNode(n, validEntityNodes)
	}
	return nil
}

func (b *fetchBuilder) attribute(n *fetchNode, q *fetchQuery) (fetchAttribute, error) {
	r := nodeReader{node: n}
	a := fetchAttribute{name: r.required("name"), alias: r.text("alias"), aggregate: r.text("aggregate"),
		groupBy: r.flag("groupby"), dateGrouping: r.text("dategrouping"), distinct: r.flag("distinct")}
	r.ignore("usertimezone", "build", "addedby", "rowaggregate")
	if err := r.err(); err != nil {
		return a, err
	}
	if n.attrs["rowaggregate"] != "" {
		return a, errNotModelled("FetchXML rowaggregate")
	}
	switch a.aggregate {
	case "", "avg", "count", "countcolumn", "max", "min", "sum":
	default:
		return a, fetchErrorf(codeFetchInvalidAggregate, "An error occurred while processing Aggregates in Query. Aggregate = %s", a.aggregate)
	}
	switch a.dateGrouping {
	case "", "day", "week", "month", "quarter", "year":
	case "fiscal-period", "fiscal-year":
		return a, errNotModelled("FetchXML dategrouping " + a.dateGrouping)
	default:
		return a, fetchErrorf(codeFetchDateGrouping, "An invalid value was specified for dategrouping.")
	}
	switch {
	case a.aggregate != "" && a.groupBy:
		return a, fetchErrorf("0x80041137", "An attribute can either be an aggregate or a Group By but not both")
	case !q.aggregate && (a.aggregate != "" || a.groupBy):
		return a, fetchErrorf(codeFetchInvalidAggregate, "An aggregate or groupby attribute needs aggregate='true' on the fetch element.")
	case q.aggregate && a.aggregate == "" && !a.groupBy:
		return a, fetchErrorf("0x80041107", "Attributes can not be returned when aggregate operation is specified.")
	case q.aggregate && a.alias == "":
		return a, fetchErrorf("0x80041109", "Invalid alias for aggregate operation.")
	}
	if a.alias != "" {
		if b.aliases[a.alias] {
			return a, fetchErrorf(codeFetchDuplicateAlias, "FetchXML should have unique aliases. Redefined alias = %s", a.alias)
		}
		b.aliases[a.alias] = true
	}
	return a, nil
}

func fetchOrderOf(n *fetchNode, q *fetchQuery) (fetchOrder, error) {
	r := nodeReader{node: n}
	o := fetchOrder{attribute: r.text("attribute"), alias: r.text("alias"), entityName: r.text("entityname"), descending: r.flag("descending")}
	if err := r.err(); err != nil {
		return o, err
	}
	switch {
	case q.aggregate && o.alias == "":
		return o, fetchErrorf(codeFetchOrderNeedsAlias, "An alias is required for an order clause for an aggregate Query.")
	case q.aggregate && o.attribute != "":
		return o, fetchErrorf("0x80041131", "An attribute cannot be specified for an order clause for an aggregate Query. Use an alias.")
	case !q.aggregate && o.alias != "":
		return o, fetchErrorf("0x80041132", "An alias cannot be specified for an order clause for a non-aggregate Query. Use an attribute.")
	case !q.aggregate && o.attribute == "":
		return o, fetchErrorf("0x80041133", "An attribute is required for an order clause for a non-aggregate Query.")
	}
	return o, nil
}

func (b *fetchBuilder) filter(n *fetchNode, q *fetchQuery) (*fetchFilter, error) {
	r := nodeReader{node: n}
	f := &fetchFilter{}
	switch t := r.text("type"); t {
	case "", "and":
	case "or":
		f.or = true
	default:
		return nil, fetchErrorf(codeFetchFilterType, "Unsupported filter type. Valid values are 'and', or 'or'. Value = %s", t)
	}
	r.ignore("hint", "isquickfindfields", "overridequickfindrecordlimitenabled", "overridequickfindrecordlimitdisabled", "bypassquickfind")
	if err := r.err(); err != nil {
		return nil, err
	}
	for _, child := range n.children {
		switch child.name {
		case "condition":
			c, err := fetchConditionOf(child)
			if err != nil {
				return nil, err
			}
			f.conditions = append(f.conditions, c)
		case "filter":
			sub, err := b.filter(child, q)
			if err != nil {
				return nil, err
			}
			f.filters = append(f.filters, sub)
		case "link-entity":
			l, err := b.entity(child, q, true)
			if err != nil {
				return nil, err
			}
			switch l.linkType {
			case "any", "not any", "all", "not all":
			default:
				return nil, fetchErrorf(codeFetchLinkType, "A link-entity in a filter is of link-type any, not any, all or not all. Value = %s", l.linkType)
			}
			f.links = append(f.links, l)
		default:
			return nil, invalidNode(child, "condition, filter, link-entity")
		}
	}
	return f, nil
}

func fetchConditionOf(n *fetchNode) (fetchCondition, error) {
	r := nodeReader{node: n}
	c := fetchCondition{attribute: r.required("attribute"), operator: r.required("operator"),
		entityName: r.text("entityname"), valueOf: r.text("valueof")}
	r.ignore("value", "uiname", "uitype", "uihidden", "alias")
	if err := r.err(); err != nil {
		return c, err
	}
	if v, ok := n.attrs["value"]; ok {
		c.values = append(c.values, v)
	}
	for _, child := range n.children {
		if child.name != "value" {
			return c, invalidNode(child, "value")
		}
		c.values = append(c.values, child.text)
	}
	return c, nil
}
