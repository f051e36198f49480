// Package engage holds the words that every package of the Engage playbook
// engine shares: positions in documents and problems found there.
//
// The engine itself stands in the packages below. Read them in this order:
//
//   - [github.com/andmoneyaps/engage-playbooks/playbook]: load a workspace and
//     run playbooks; the one import that most embedders need
//   - [github.com/andmoneyaps/engage-playbooks/auth]: On-Behalf-Of and client
//     credentials against Microsoft Entra ID
//   - [github.com/andmoneyaps/engage-playbooks/dataverse]: the Dataverse Web
//     API client
//   - [github.com/andmoneyaps/engage-playbooks/pattern] and
//     [github.com/andmoneyaps/engage-playbooks/entity]: what a playbook is
//     made of
//   - [github.com/andmoneyaps/engage-playbooks/dataverse/simulator]: a
//     Dataverse and an Entra in process, for tests and dry runs
package engage
