"""Runs agent code where there is nothing to read: the only importer of pydantic_monty."""
