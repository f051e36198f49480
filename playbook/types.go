package playbook

// shape is what is known of a value before it is there.
type shape struct{}
