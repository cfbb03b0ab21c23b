"""Connectors to third-party servers: tools of MCP servers, and API descriptions."""
