package simulator

import (
	"fmt"
	"net/http"
	"strings"
)

// columnGrant is what column security profiles allow on a secured column.
type columnGrant struct{ read, create, update bool }

// addColumnGrants adds what the column security profiles of the user and the
// user's teams allow.
func (s *Server) addColumnGrants(v *view, g *grants) {
	g.columns = map[*Column]columnGrant{}
	t := s.schema.Table("fieldpermission")
	if t == nil || len(v.rows(t)) == 0 {
		return
	}
	mine := map[guid]bool{}
	for _, id := range s.linkedBy(v, "systemuserprofiles_association", "systemuser", g.user) {
		mine[id] = true
	}
	for team := range g.teams {
		for _, id := range s.linkedBy(v, "teamprofiles_association", "team", team) {
			mine[id] = true
		}
	}
	for _, r := range v.rows(t) {
		profile, _ := r.ref(t.Column("fieldsecurityprofileid"))
		if !mine[profile.id] {
			continue
		}
		table, _ := r.get(t.Column("entityname")).(string)
		column, _ := r.get(t.Column("attributelogicalname")).(string)
		of := s.schema.Table(table)
		if of == nil || of.Column(column) == nil {
			continue
		}
		allowed := func(name string) bool { n, _ := r.get(t.Column(name)).(int64); return n == 4 }
		have := g.columns[of.Column(column)]
		g.columns[of.Column(column)] = columnGrant{
			have.read || allowed("canread"), have.create || allowed("cancreate"), have.update || allowed("canupdate"),
		}
	}
}

// columnGrant gives what the caller may do with a secured column.
func (c *call) columnGrant(col *Column) columnGrant {
	if !col.Secured {
		return columnGrant{true, true, true}
	}
	who, behalf := c.rights()
	g := who.columns[col]
	if who.admin {
		g = columnGrant{true, true, true}
	}
	if behalf != nil && !behalf.admin {
		b := behalf.columns[col]
		g = columnGrant{g.read && b.read, g.create && b.create, g.update && b.update}
	}
	return g
}

// mayReadColumn reports whether the caller sees a column; if not, it is null.
func (c *call) mayReadColumn(col *Column) bool { return !col.Secured || c.columnGrant(col).read }

// mayQueryColumn refuses a condition on a column that the caller may not read.
func (c *call) mayQueryColumn(col *Column) error {
	if c.mayReadColumn(col) {
		return nil
	}
	return failf(http.StatusForbidden, "0x8004F506", "The Query contained a secured attribute to which the caller does not have access")
}

// mayCreateColumn and mayUpdateColumn refuse (403) a value for a secured
// column.
func (c *call) mayCreateColumn(col *Column) error {
	if !col.Secured || c.columnGrant(col).create {
		return nil
	}
	return c.columnDenied("0x8004F502", "create", col)
}

func (c *call) mayUpdateColumn(col *Column) error {
	if !col.Secured || c.columnGrant(col).update {
		return nil
	}
	return c.columnDenied("0x8004F507", "update", col)
}

func (c *call) columnDenied(code, verb string, col *Column) error {
	e := failf(http.StatusForbidden, code,
		"Caller user with Id %s does not have %s permissions to a %s secured field on entity %s. The requested operation could not be completed.",
		c.caller.user, verb, col.DisplayName, col.table.DisplayName)
	e.Name = fmt.Sprintf("AttributePermission%sIsMissing", strings.ToUpper(verb[:1])+verb[1:])
	return e
}
