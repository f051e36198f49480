package playbook

import (
	"sync/atomic"

	"github.com/andmoneyaps/engage-playbooks"
	"github.com/andmoneyaps/engage-playbooks/pattern"
)

// Playbook is one compiled workflow. It is immutable.
type Playbook struct {
	ID, Name, Description string
	Pos                   engage.Pos
	// Trigger is what makes it run; it is also the first of Blocks.
	Trigger *Trigger
	// Blocks stand in the order of the document, the trigger first.
	Blocks []*Block
	// Workspace is where it was loaded from.
	Workspace *Workspace

	nodes  []node
	flow   *Flow
	graphs [2]atomic.Pointer[graph]
}

// Block finds a block by its name.
func (p *Playbook) Block(name string) (*Block, bool) {
	for _, b := range p.Blocks {
		if b.Name == name {
			return b, true
		}
	}
	return nil, false
}

// Trigger says which events a playbook is for.
type Trigger struct {
	// Type is the event type; see [Workspace.TriggerType].
	Type *TriggerType
	// Portals are the portals that fit; none: every portal.
	Portals []string
	// Actors are who may trigger the playbook; none: whoever the blocks'
	// identities can serve.
	Actors []ActorKind
	// Condition is asked of the event's data; nil: always true.
	Condition *Expression
}

// BlockType is what a block does.
type BlockType string

// The types of blocks.
const (
	BlockTrigger  BlockType = "Trigger"
	BlockRead     BlockType = "EntityPatternRead"
	BlockFilter   BlockType = "EntityPatternFilter"
	BlockCreate   BlockType = "EntityPatternCreate"
	BlockUpdate   BlockType = "EntityPatternUpdate"
	BlockUpsert   BlockType = "EntityPatternUpsert"
	BlockTemplate BlockType = "Template"
	BlockAi       BlockType = "Ai"
	BlockOutput   BlockType = "Output"
)

// BlockTypes lists all types of blocks.
var BlockTypes = []BlockType{
	BlockTrigger, BlockRead, BlockFilter, BlockCreate, BlockUpdate, BlockUpsert, BlockTemplate, BlockAi, BlockOutput,
}

// CRM reports whether blocks of the type touch Dataverse.
func (t BlockType) CRM() bool { return t == BlockRead || t.Writes() }

// Writes reports whether blocks of the type write to Dataverse.
func (t BlockType) Writes() bool {
	return t == BlockCreate || t == BlockUpdate || t == BlockUpsert
}

// Operation is what a CRM block does with its pattern; "" for other blocks.
func (t BlockType) Operation() pattern.Operation {
	switch t {
	case BlockRead:
		return pattern.Read
	case BlockCreate:
		return pattern.Create
	case BlockUpdate:
		return pattern.Update
	case BlockUpsert:
		return pattern.Upsert
	}
	return ""
}

// Identity is as whom a block acts in Dataverse.
type Identity string

// The identities of a block.
const (
	// IdentityEmployee is the acting employee, by On-Behalf-Of: the default.
	IdentityEmployee Identity = "employee"
	// IdentityApplication is the application user: an escalation.
	IdentityApplication Identity = "application"
)

// OnError is what a failed block does to its run.
type OnError string

// What a failed block does to its run.
const (
	// OnErrorStop ends the run: the default.
	OnErrorStop OnError = "stop"
	// OnErrorContinue lets it go on, with a warning.
	OnErrorContinue OnError = "continue"
)

// Block is one compiled block. Which of its members are set depends on Type.
type Block struct {
	Name, Description string
	Type              BlockType
	Pos               engage.Pos
	// Index is the block's place in Playbook.Blocks.
	Index int
	// When decides whether the block runs; nil: always.
	When    *Expression
	OnError OnError
	// Inputs are the mappings of all inputs in the order of the document.
	Inputs []*Mapping
	// Needs are the indexes of the blocks that it reads from, by inputs and
	// expressions, sorted.
	Needs []int

	// CRM blocks. Reason and Verify go with IdentityApplication.
	Pattern   *pattern.Pattern
	Operation pattern.Operation
	Identity  Identity
	Reason    string
	// Verify asks whether the employee may read what the block links to.
	Verify bool
	// Atomic writes all records or none; true unless the document says false.
	Atomic bool
	// Limit bounds the records of each part of a Read; 0: the default.
	Limit int

	// Filter is the tree of an EntityPatternFilter.
	Filter *pattern.Filter
	// Template is the template of a Template block.
	Template *Template
	// Capability and Version are what an Ai block asks for.
	Capability *Capability
	Version    string

	// whenNeeds are the blocks that When alone reads.
	whenNeeds []int
	// finds are the blocks that the look-up of a writing block waits for.
	finds []int
	// shape is the static type of the output, idle the output if the block does
	// not run; nobody changes it.
	shape *shape
	idle  any
}

// Mapping moves one value from a source to a destination of its block.
type Mapping struct {
	// From is the block whose output Source is a path into; nil for a literal.
	From   *Block
	Source *Path
	// Value is the literal, if HasValue.
	Value    any
	HasValue bool
	// Destination is as written; Part and Field are its halves for CRM blocks
	// (Field is empty for a filter on a whole part).
	Destination     string
	Part, Field     string
	Required        bool
	Transformations []Transformation
	// Pos is the mapping, SourcePos its source or value.
	Pos, SourcePos, DestinationPos engage.Pos
	// Label says where the value comes from, for people: "Portal meeting:
	// Meeting.Title | Join".
	Label string

	// names are the destination of an Output block as a path of names.
	names []string
}
