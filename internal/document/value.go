package document

import "gopkg.in/yaml.v3"

// value is one value of a file, whatever it was written in. Values are many:
// they lie side by side, and their texts are pieces of the file's.
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

// valueOf turns a node of yaml.v3 that walk has found sound into a value.
// Aliases become what they name, in the place where they stand.
func valueOf(y *yaml.Node) value {
	v := value{line: int32(y.Line), col: int32(y.Column)}
	switch y.Kind {
	case yaml.AliasNode:
		named := valueOf(y.Alias)
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
		v.items = make([]value, len(y.Content))
		for i, c := range y.Content {
			if v.kind == Map && i%2 == 0 && c.Kind == yaml.AliasNode {
				// As a key, an alias is not followed: it is no text.
				v.items[i] = value{text: c.Value, line: int32(c.Line), col: int32(c.Column)}
				continue
			}
			v.items[i] = valueOf(c)
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
