"""Other people's servers: the tools of MCP servers, and API descriptions."""
