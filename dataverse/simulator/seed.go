package simulator

// SeedFile is one file of records: {"contacts": [{…}]}, bodies as a POST takes
// them (spec, section 8).
type SeedFile struct {
	// Name is what problems call the file.
	Name string
	Data []byte
}
