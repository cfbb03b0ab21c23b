"""Generates the service's OpenAPI document from the routes of all functions. `meta` serves it as a file.

This is a development tool. No function imports it, so no function generates a schema at run time.
"""
