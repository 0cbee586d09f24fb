"""The Model Context Protocol (MCP) at `/mcp`: assistants of engineers read the runs of a project with tools.

The protocol is served without state: every POST is one JSON-RPC message with a response of its own, and nothing is kept
between them. `views` checks a request, `messages` and `protocol_versions` parse it, `methods` answers it, and each tool
is a module in `tools`. Source: https://modelcontextprotocol.io/specification/2026-07-28.
"""
