"""The one guarded way out: fetches over HTTP (`http`), and MCP servers (`mcp`). What is not public is not reached.

Nothing is imported here: each of the two costs start-up time, and most functions need neither.
"""
