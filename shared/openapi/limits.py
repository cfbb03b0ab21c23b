"""Limits for the documents that are read."""

MAX_DEPTH = 200
"""The maximum number of nested objects and lists. Real documents have fewer than 60."""
