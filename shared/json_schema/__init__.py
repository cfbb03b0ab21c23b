"""JSON Schema as agents use it: its short form, validation, the cost of checking, and texts of forms read by it."""
