package playbook

// Bindings counts the patterns that the engine has completed.
func (e *Engine) Bindings() int {
	e.bindings.mu.Lock()
	defer e.bindings.mu.Unlock()
	return len(e.bindings.entries)
}
