"""Puts services together for the functions: what each needs, over one database.

A module for each group of services, since a function is deployed only with the modules that it imports.
"""
