"""Other people's servers: tools of MCP servers, and API descriptions."""
