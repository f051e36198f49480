package simulator

func baselineTables() []TableSpec      { return nil }
func baselineManyToMany() []ManyToMany { return nil }
