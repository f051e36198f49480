package render

import (
	"io"
	"net/url"
	"path"
	"slices"

	"github.com/andmoneyaps/engage-playbooks"
)

// ProblemsSARIF writes a SARIF 2.1.0 log, the form that code scanners take;
// dir is the workspace's path in the repository.
// https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
func ProblemsSARIF(w io.Writer, problems engage.Problems, dir string) error {
	type object = map[string]any
	rules := []object{}
	var codes []string
	results := []object{}
	for _, p := range problems {
		if !slices.Contains(codes, p.Code) {
			codes = append(codes, p.Code)
			rules = append(rules, object{"id": p.Code, "helpUri": "https://github.com/andmoneyaps/engage-playbooks/blob/main/docs/rules.md#" + p.Code})
		}
		text := p.Message
		if p.Suggestion != "" {
			text += " (" + p.Suggestion + ")"
		}
		uri := (&url.URL{Path: path.Join(dir, p.Pos.File)}).String()
		results = append(results, object{
			"ruleId": p.Code, "ruleIndex": slices.Index(codes, p.Code),
			"level":   p.Severity.String(),
			"message": object{"text": text},
			"locations": []object{{"physicalLocation": object{
				"artifactLocation": object{"uri": uri},
				"region":           object{"startLine": max(p.Pos.Line, 1), "startColumn": max(p.Pos.Col, 1)},
			}}},
		})
	}
	return JSON(w, object{
		"$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
		"version": "2.1.0",
		"runs": []object{{
			"tool":    object{"driver": object{"name": "engage", "informationUri": "https://github.com/andmoneyaps/engage-playbooks", "rules": rules}},
			"results": results,
		}},
	})
}
