"""Agents: saved, published, called, and run in the sandbox."""
