// Package auth gets the tokens that playbooks reach Dataverse with, from
// Microsoft Entra ID.
//
// Start with an [Environment], read from a document of kind Environment by
// [ReadEnvironment] or [Kind], and make one [Broker] of it:
//
//	env, err := auth.ReadEnvironment("environments/sandbox.yaml")
//	broker, err := auth.NewBroker(env, nil)
//	source, err := broker.Employee(ctx, assertion) // the acting employee
//	source = broker.Application()                  // escalation
//
// [Broker.Employee] verifies the token that the employee's front end sent us
// and gives a [Source] that exchanges it for a Dataverse token, On-Behalf-Of.
// [Broker.Application] gives one that speaks for the application user, by
// client credentials. A Source fits dataverse.TokenSource by its shape: this
// package does not know that one, and an embedder with tokens of their own
// does not need this one.
//
// What never happens here:
//
//   - One identity in place of the other. The two sources share no token, no
//     cache and no error path; whatever goes wrong is an [Error].
//   - A token, an assertion or a secret in an error, a log or a printed value.
//     Errors of the MSAL library hold answers and forms of the token endpoint;
//     they are taken apart where they arise and not passed on.
//   - A request to any host but the environment's authority, a redirect
//     followed, or plain http to anything but this machine.
//   - Memory that grows with the number of employees seen. MSAL keeps every
//     assertion that it has exchanged for as long as its client lives, so each
//     exchange has a client of its own, and this package keeps the tokens:
//     Options.LiveAssertions of them.
package auth
