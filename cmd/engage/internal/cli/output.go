package cli

import (
	"io"
	"os"

	"golang.org/x/term"

	"github.com/andmoneyaps/engage-playbooks/cmd/engage/internal/render"
)

// output remembers the first error of writing, so that a full disk is not
// taken for success.
type output struct {
	w   io.Writer
	err error
}

func (o *output) Write(p []byte) (int, error) {
	n, err := o.w.Write(p)
	if err != nil && o.err == nil {
		o.err = err
	}
	return n, err
}

// terminal reports whether people look at what is written to w.
func terminal(w io.Writer) bool {
	if o, ok := w.(*output); ok {
		w = o.w
	}
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// style gives colours and width for a terminal, and plain text otherwise.
func (c *Command) style(w io.Writer) render.Style {
	if !terminal(w) {
		return render.Style{}
	}
	if o, ok := w.(*output); ok {
		w = o.w
	}
	width, _, _ := term.GetSize(int(w.(*os.File).Fd()))
	return render.Style{
		Color: c.Getenv("NO_COLOR") == "" && c.Getenv("TERM") != "dumb",
		Width: width,
	}
}
