package simulator

import "encoding/json"

// Records gives the rows of an entity set as a query by the administrator
// without $select shows them, annotations included, in order of creation. An
// unknown set gives nil.
func (s *Server) Records(entitySet string) []map[string]any {
	t := s.schema.TableBySet(entitySet)
	if t == nil {
		return nil
	}
	c := &call{server: s, caller: &actor{user: mustGUID(AdministratorID)}, now: s.now()}
	c.prefer.annotations = []string{"*"}
	all := []map[string]any{}
	_ = s.store.read(func(v *view) error {
		c.view = v
		w := newRowWriter(c)
		p := &plan{table: t, columns: t.read}
		for _, col := range p.columns {
			p.keys = append(p.keys, `"`+col.Wire()+`":`)
		}
		for _, r := range v.rows(t) {
			var row map[string]any
			if err := json.Unmarshal(w.appendRow(nil, r, p, ""), &row); err != nil {
				panic("simulator: a row is not JSON: " + err.Error())
			}
			all = append(all, row)
		}
		return nil
	})
	return all
}
