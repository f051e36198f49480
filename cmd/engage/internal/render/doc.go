// Package render turns what the library returns into what people and programs
// read: problems, plans, run summaries, tables and graphs, as text, JSON,
// SARIF, DOT, Mermaid and SVG.
//
// It writes to an io.Writer and knows no terminal: the caller says whether
// there are colours and how wide the page is.
package render
