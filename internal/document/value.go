package document

import "gopkg.in/yaml.v3"

// value is one value of a file, whatever it was written in. Values are many:
// those of a document lie side by side.
type value struct {
	// text is a scalar as it reads without quotes.
	text string
	// items are those of a list, or the keys and values of a mapping in turns.
	items     []value
	line, col int32
	kind      Type
	style     style
}

// style is how a value was written, as far as places in it and help depend on
// that.
type style uint8

const (
	// otherStyle: collections of lines; texts that are quoted, folded, or named
	// by an alias.
	otherStyle style = iota
	plainStyle
	literalStyle
	// flowStyle: in brackets.
	flowStyle
)

// typeOfTag is what a scalar with one of YAML's tags holds.
func typeOfTag(tag string) Type {
	switch tag {
	case "!!null":
		return Null
	case "!!bool":
		return Bool
	case "!!int", "!!float":
		return Number
	}
	return Text
}

// values makes values of the nodes of one document of yaml.v3, which walk has
// found sound and counted. Its length is room for those not made yet.
type values []value

// of turns a node into a value. Aliases become what they name, in the place
// where they stand.
func (room *values) of(y *yaml.Node) value {
	v := value{line: int32(y.Line), col: int32(y.Column)}
	switch y.Kind {
	case yaml.AliasNode:
		named := room.of(y.Alias)
		named.line, named.col = v.line, v.col
		if named.style != flowStyle {
			named.style = otherStyle
		}
		return named
	case yaml.MappingNode, yaml.SequenceNode:
		v.kind = Map
		if y.Kind == yaml.SequenceNode {
			v.kind = List
		}
		if y.Style&yaml.FlowStyle != 0 {
			v.style = flowStyle
		}
		n := len(y.Content)
		v.items, *room = (*room)[:n:n], (*room)[n:]
		for i, c := range y.Content {
			if v.kind == Map && i%2 == 0 && c.Kind == yaml.AliasNode {
				// As a key, an alias is not followed: it is no text.
				v.items[i] = value{text: c.Value, line: int32(c.Line), col: int32(c.Column)}
				continue
			}
			v.items[i] = room.of(c)
		}
		return v
	}
	v.text, v.kind = y.Value, typeOfTag(y.ShortTag())
	switch {
	case y.Style&yaml.LiteralStyle != 0:
		v.style = literalStyle
	case y.Style&^yaml.TaggedStyle == 0:
		v.style = plainStyle
	}
	return v
}
