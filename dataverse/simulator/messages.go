package simulator

import "strings"

// addMessageRows fills sdkmessage and sdkmessagefilter, when they are first
// asked for: which bulk message is available for which table (fact sheet,
// section 6). UpsertMultiple never shows.
func (s *Server) addMessageRows() {
	messages, filters := s.schema.Table("sdkmessage"), s.schema.Table("sdkmessagefilter")
	if messages == nil || filters == nil {
		return
	}
	_ = s.store.write(func(tx *txn) error {
		for _, name := range []string{"Create", "Update", "Upsert", "Delete", "Retrieve", "RetrieveMultiple", "CreateMultiple", "UpdateMultiple"} {
			d := newDraft(messages)
			d.put(messages.Column("name"), name)
			id := nameGUID("sdkmessage " + name)
			if _, err := tx.insert(messages, id, d); err != nil {
				return err
			}
			for _, t := range s.schema.tables {
				if strings.HasSuffix(name, "Multiple") && name != "RetrieveMultiple" && !bulkAvailable(t, name) {
					continue
				}
				f := newDraft(filters)
				f.put(filters.Column("name"), name+" "+t.LogicalName)
				f.put(filters.Column("sdkmessageid"), ref{messages, id})
				f.put(filters.Column("primaryobjecttypecode"), t.LogicalName)
				if _, err := tx.insert(filters, nameGUID("sdkmessagefilter "+name+" "+t.LogicalName), f); err != nil {
					return err
				}
			}
		}
		return nil
	})
}
