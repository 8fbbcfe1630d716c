"""The MCP server: `telex mcp`, on the official SDK."""
