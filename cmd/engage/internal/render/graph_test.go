package render_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/andmoneyaps/engage-playbooks/cmd/engage/internal/render"
)

func nasty() *render.Graph {
	return &render.Graph{
		Title: `"Portal" <meeting> \N & more`,
		Nodes: []render.Node{
			{Name: `Read "advisor" \N`, Shape: render.Reading, Group: "round 1", Lines: []string{"a|b [c] {d}"}},
			{Name: `Create; --> x`, Shape: render.Writing, Escalated: true, Lines: []string{"<b>bold</b>"}},
		},
		Edges: []render.Edge{{From: `Read "advisor" \N`, To: `Create; --> x`, Labels: []string{`"quoted"`}}},
	}
}

func TestNamesNeverBecomeSyntaxInPictures(t *testing.T) {
	var svg bytes.Buffer
	if err := nasty().SVG(&svg); err != nil {
		t.Fatal(err)
	}
	texts := map[string]bool{}
	dec := xml.NewDecoder(&svg)
	inText := false
	for {
		tok, err := dec.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("the SVG is not XML: %v", err)
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			inText = tok.Name.Local == "text"
		case xml.CharData:
			if inText {
				texts[strings.TrimSpace(strings.ReplaceAll(string(tok), "\u00a0", " "))] = true
			}
		}
	}
	for _, want := range []string{`"Portal" <meeting> \N & more`, `Read "advisor" \N`, `Create; --> x`, `<b>bold</b>`, `"quoted"`} {
		if !texts[want] {
			t.Errorf("the picture has no text %q; it has %v", want, texts)
		}
	}
	var mermaid bytes.Buffer
	if err := nasty().Mermaid(&mermaid); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(mermaid.String(), "<b>") || strings.Contains(mermaid.String(), `\N"`) {
		t.Errorf("a name became Mermaid syntax:\n%s", mermaid.String())
	}
}
