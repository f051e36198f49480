package document

import (
	"strings"

	"gopkg.in/yaml.v3"
)

// scalar reads a text of one line; flow says that it stands in brackets.
func (p *simple) scalar(flow bool) bool {
	if p.pos == len(p.src) {
		return false
	}
	switch p.src[p.pos] {
	case '"':
		return p.doubleQuoted()
	case '\'':
		return p.singleQuoted()
	}
	return p.plain(flow)
}

func (p *simple) plain(flow bool) bool {
	v := p.here(Text)
	v.style = plainStyle
	switch p.src[p.pos] {
	case ' ', '\n', '?', ':', ',', '[', ']', '{', '}', '#', '&', '*', '!', '|', '>', '%', '@', '`':
		return false
	case '-':
		if p.blank(p.pos + 1) {
			return false
		}
	}
	end := p.pos // of the text, without the spaces after it
loop:
	for i := p.pos; i < len(p.src); i++ {
		switch c := p.src[i]; c {
		case ' ':
			continue
		case '\n':
			break loop
		case ':':
			if p.blank(i + 1) {
				break loop
			}
		case '#':
			if p.src[i-1] == ' ' {
				break loop
			}
		case ',', ']', '}':
			if flow {
				break loop
			}
		case '[', '{', '?':
			if flow {
				return false
			}
		}
		end = i + 1
	}
	v.text = p.src[p.pos:end]
	p.pos = end
	var ok bool
	v.kind, ok = plainType(v.text)
	return ok && p.push(v)
}

// plainType is what a text without quotes holds; ok is false for a merge key.
func plainType(s string) (t Type, ok bool) {
	switch s[0] {
	case 't', 'T', 'f', 'F', 'n', 'N', '~':
		switch s {
		case "true", "True", "TRUE", "false", "False", "FALSE":
			return Bool, true
		case "~", "null", "Null", "NULL":
			return Null, true
		}
	case '+', '-', '.', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		return typeOfTag((&yaml.Node{Kind: yaml.ScalarNode, Value: s}).ShortTag()), true
	}
	return Text, s != "<<"
}

func (p *simple) singleQuoted() bool {
	v := p.here(Text)
	p.pos++
	end, doubled := p.pos, false
	for ; ; end++ {
		if end == len(p.src) || p.src[end] == '\n' {
			return false
		}
		if p.src[end] == '\'' {
			if end+1 == len(p.src) || p.src[end+1] != '\'' {
				break
			}
			doubled = true
			end++
		}
	}
	v.text = p.src[p.pos:end]
	if doubled {
		v.text = strings.ReplaceAll(v.text, "''", "'")
	}
	p.pos = end + 1
	return p.push(v)
}

func (p *simple) doubleQuoted() bool {
	v := p.here(Text)
	p.pos++
	end, escaped := p.pos, false
	for ; ; end++ {
		if end >= len(p.src) || p.src[end] == '\n' {
			return false
		}
		if p.src[end] == '"' {
			break
		}
		if p.src[end] == '\\' {
			escaped = true
			end++
			if end == len(p.src) || strings.IndexByte(`nt"\`, p.src[end]) < 0 {
				return false
			}
		}
	}
	v.text = p.src[p.pos:end]
	if escaped {
		v.text = unescape.Replace(v.text)
	}
	p.pos = end + 1
	return p.push(v)
}

// unescape reads the escapes that simple files have.
var unescape = strings.NewReplacer(`\n`, "\n", `\t`, "\t", `\"`, `"`, `\\`, `\`)
