// Package simulator is a Dataverse organisation and a Microsoft Entra tenant
// in process: the ground that tests, dry runs and demos stand on where no real
// environment can be reached. It speaks HTTP, and clients of others cannot
// tell it from the real service within what FACTS.md lists.
//
// Use it in three moves, like net/http/httptest:
//
//	s := simulator.NewServer(nil, nil)
//	defer s.Close()
//	resp, err := s.Client().Get(s.URL + "/api/data/v9.2/contacts")
//
// A request walks through the files in this order: server.go receives it,
// security asks who sends it, route.go finds what it is about, parse*.go read
// its query options, and then query*.go read or write*.go change the store
// (store.go, txn.go), which undoes all of a message that fails. schema*.go are
// the tables: one source for metadata, validation and queries. What real
// Dataverse can do and this package does not is answered by 501, with the name
// of the option.
package simulator
