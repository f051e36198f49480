package pattern

// FindUnknown returns the first [Unknown] in a JSON value.
func FindUnknown(v any) (Unknown, bool) {
	switch v := v.(type) {
	case Unknown:
		return v, true
	case []any:
		for _, item := range v {
			if u, ok := FindUnknown(item); ok {
				return u, true
			}
		}
	case map[string]any:
		for _, item := range v {
			if u, ok := FindUnknown(item); ok {
				return u, true
			}
		}
	}
	return Unknown{}, false
}
