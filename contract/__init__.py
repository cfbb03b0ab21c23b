"""Generates the service's OpenAPI document from the routes of all functions; `meta` serves it as a file.

A development tool: no function imports it, so none of them generates a schema at run time.
"""
