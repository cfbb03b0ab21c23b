"""Parses JavaScript with tree-sitter, and reports code that cannot work in a demo page."""
