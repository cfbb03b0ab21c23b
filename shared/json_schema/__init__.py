"""JSON Schema for agents: the short form, validation, its cost, and the conversion of form values."""
