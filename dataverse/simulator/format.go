package simulator

import (
	"strconv"
	"strings"
)

// format gives the formatted value of a column, as a user with English (United
// States) and UTC sees it (DV081); ok is false if it has none.
func (w *rowWriter) format(r *record, col *Column, v any) (text string, ok bool) {
	switch v := v.(type) {
	case int64:
		if col.Type.IsChoice() {
			if o := col.option(v); o != nil {
				return o.Label, true
			}
			return "", false
		}
		return thousands(strconv.FormatInt(v, 10)), true
	case bool:
		return col.Options[boolInt(v)].Label, len(col.Options) > 1
	case float64:
		return thousands(strconv.FormatFloat(v, 'f', col.Precision, 64)), true
	case decimal:
		if col.Type == Money {
			symbol, places := w.currency(r)
			if strings.HasSuffix(col.LogicalName, "_base") {
				symbol, places = "$", 2
			}
			text := thousands(roundText(v, places))
			if strings.HasPrefix(text, "-") {
				return "(" + symbol + text[1:] + ")", true
			}
			return symbol + text, true
		}
		return thousands(roundText(v, col.Precision)), true
	case instant:
		if col.Format == "DateOnly" {
			return v.time().Format("1/2/2006"), true
		}
		return v.time().Format("1/2/2006 3:04 PM"), true
	case day:
		return v.time().Format("1/2/2006"), true
	case ref:
		target := w.env.view.target(v)
		if target == nil || target.table.name == nil {
			return "", false
		}
		name, ok := target.get(target.table.name).(string)
		return name, ok
	case string:
		switch col.Type {
		case MultiChoice:
			var labels []string
			for item := range strings.SplitSeq(v, ",") {
				n, _ := strconv.ParseInt(item, 10, 64)
				if o := col.option(n); o != nil {
					labels = append(labels, o.Label)
				}
			}
			return strings.Join(labels, "; "), true
		case EntityName:
			if t := w.call.server.schema.Table(v); t != nil {
				return t.DisplayName, true
			}
		}
	}
	return "", false
}

// currency gives the symbol and the places of a row's currency.
func (w *rowWriter) currency(r *record) (string, int) {
	if col := r.table.columns["transactioncurrencyid"]; col != nil {
		if x, ok := r.ref(col); ok {
			if cur := w.env.view.target(x); cur != nil {
				symbol, _ := cur.get(cur.table.columns["currencysymbol"]).(string)
				places, _ := cur.get(cur.table.columns["currencyprecision"]).(int64)
				return symbol, int(places)
			}
		}
	}
	return "$", 2
}

// roundText gives a decimal with exactly that many places.
func roundText(d decimal, places int) string {
	rounded, _ := parseDecimal(d.String(), places)
	return string(rounded.append(nil, places))
}

// thousands puts commas into a number.
func thousands(s string) string {
	sign := ""
	if strings.HasPrefix(s, "-") {
		sign, s = "-", s[1:]
	}
	whole, frac, has := strings.Cut(s, ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if has {
		whole += "." + frac
	}
	return sign + whole
}
