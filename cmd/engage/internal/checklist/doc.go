// Package checklist goes through what must hold before a bank's playbooks can
// run in an organisation: tokens, users, tables and columns, and privileges.
//
// [List.Run] asks the organisation and changes nothing, unless [List.Write] is
// set: then records are created and deleted again. Each [Check] says what was
// looked at, how it stands, and if it is not well what to do.
package checklist
