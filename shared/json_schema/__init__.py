"""JSON Schema as agents use it: its short form, validation, the cost of validation, and reading values from forms."""
