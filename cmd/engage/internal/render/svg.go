package render

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"github.com/goccy/go-graphviz"

	"github.com/andmoneyaps/engage-playbooks/cmd/engage/internal/privatetemp"
)

// go-graphviz has been initialised before this package.
func init() { privatetemp.Restore() }

// SVG lays the graph out with Graphviz, which is compiled into this program,
// and writes the picture. Text stays text.
func (g *Graph) SVG(ctx context.Context, w io.Writer) error {
	var dot bytes.Buffer
	if err := g.DOT(&dot); err != nil {
		return err
	}
	gv, err := graphviz.New(ctx)
	if err != nil {
		return fmt.Errorf("the graph cannot be laid out: %w", err)
	}
	defer gv.Close()
	parsed, err := graphviz.ParseBytes(dot.Bytes())
	if err != nil {
		return fmt.Errorf("the graph cannot be laid out: %w", err)
	}
	defer parsed.Close()
	var svg bytes.Buffer
	if err := gv.Render(ctx, parsed, graphviz.SVG, &svg); err != nil {
		return fmt.Errorf("the graph cannot be laid out: %w", err)
	}
	_, err = svg.WriteTo(w)
	return err
}
