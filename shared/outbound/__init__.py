"""The one guarded way out: fetches over HTTP, and MCP servers. What is not public is not reached."""
