"""The choice of models: the providers and models that callers can use, and the model of a session."""
