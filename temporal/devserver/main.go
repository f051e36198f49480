// Command devserver is a Temporal server for tests and for trying things out:
// in memory, on loopback, with the search attributes of package temporal. It is
// a module of its own, outside of go.work, since a server is large; its first
// line of output is the address that worker and engage take.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"os/signal"
	"syscall"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/server/temporaltest"
)

func main() {
	server := temporaltest.NewServer()
	keyword := enums.INDEXED_VALUE_TYPE_KEYWORD
	_, err := server.GetDefaultClient().OperatorService().AddSearchAttributes(context.Background(), &operatorservice.AddSearchAttributesRequest{
		Namespace: server.GetDefaultNamespace(),
		SearchAttributes: map[string]enums.IndexedValueType{
			"EngageTenant": keyword, "EngagePlaybook": keyword, "EngageTrigger": keyword,
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s/%s\n", server.GetFrontendHostPort(), server.GetDefaultNamespace())
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
	server.Stop()
}
