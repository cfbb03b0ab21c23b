"""Saves, publishes and calls agents, and runs them in the sandbox."""
