"""All outbound requests to user-chosen addresses: HTTP (`http`) and MCP (`mcp`). Only public addresses are reached.

This package imports neither module: each costs start-up time, and most functions need neither.
"""
