"""Shapes on the wire and in the store, and domain errors. Nothing here does I/O."""
