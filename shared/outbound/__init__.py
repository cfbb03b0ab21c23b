"""The one guarded way out: HTTP requests (`http`) and MCP servers (`mcp`). Only public addresses are reached.

This package imports neither: each costs start-up time, and most functions need neither.
"""
