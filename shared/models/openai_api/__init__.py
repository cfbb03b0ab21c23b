"""The shapes of the OpenAI-compatible endpoints. Field by field: docs/reference/openai.md."""
