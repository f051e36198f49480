package simulator

// bulkAvailable says whether a table has a bulk message: the tables of section
// 6 of the fact sheet, and custom ones. Activities and notes do not.
func bulkAvailable(t *Table, message string) bool {
	switch message {
	case "CreateMultiple", "UpdateMultiple", "UpsertMultiple":
	default:
		return false
	}
	if t.custom {
		return !t.Activity
	}
	switch t.LogicalName {
	case "account", "contact", "lead", "opportunity", "incident":
		return true
	}
	return false
}

func createMultiple(c *call, t *Table, _ *record) (*response, error) {
	return nil, errNotModelled("CreateMultiple")
}
func updateMultiple(c *call, t *Table, _ *record) (*response, error) {
	return nil, errNotModelled("UpdateMultiple")
}
func upsertMultiple(c *call, t *Table, _ *record) (*response, error) {
	return nil, errNotModelled("UpsertMultiple")
}
func deleteMultiple(c *call, t *Table, _ *record) (*response, error) {
	return nil, errNotModelled("DeleteMultiple")
}
