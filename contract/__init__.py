"""The service's OpenAPI document: made here from the routes of all functions, and served by `meta` as a file.

A development tool. No function imports it, so that none of them generates a schema.
"""
