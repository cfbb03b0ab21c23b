"""Reads JavaScript with tree-sitter, and reports what cannot work in a demo page."""
