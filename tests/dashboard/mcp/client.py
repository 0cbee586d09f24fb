"""Call the endpoint as a client does that negotiated a revision before 2026-07-28."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse
from django.test import Client

from dashboard.mcp.protocol_versions import CAPABILITIES_META_KEY, NEWEST_VERSION, VERSION_META_KEY
from runs.models import Project
from tests import factories


@dataclass
class McpTestClient:
    """A client with an API key."""

    key: str

    @classmethod
    def for_project(cls, project: Project) -> McpTestClient:
        return cls(factories.make_key(project, "read"))

    def post(self, body: Any, **headers: str) -> HttpResponse:
        content = body if isinstance(body, bytes | str) else json.dumps(body)
        headers = {"Authorization": f"Bearer {self.key}"} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        content_type = headers.pop("content-type", "application/json")
        client = Client(raise_request_exception=False)
        response: Any = client.post("/mcp", content, content_type=content_type, headers=headers)
        return response  # type: ignore[no-any-return]

    def request(self, method: str, **params: Any) -> dict[str, Any]:
        response = self.post({"jsonrpc": "2.0", "id": 7, "method": method, "params": params})
        answer: dict[str, Any] = json.loads(response.content)
        assert answer["id"] == 7
        return answer

    def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Return the structured content of a call that succeeds."""
        result = self.request("tools/call", name=tool, arguments=arguments)["result"]
        assert not result["isError"], result
        assert json.loads(result["content"][0]["text"]) == result["structuredContent"]
        content: dict[str, Any] = result["structuredContent"]
        return content

    def fail(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Return the error of a call that fails."""
        result = self.request("tools/call", name=tool, arguments=arguments)["result"]
        assert result["isError"], result
        assert "structuredContent" not in result
        error: dict[str, Any] = json.loads(result["content"][0]["text"])["error"]
        return error


def stateless_request(method: str, **params: Any) -> dict[str, Any]:
    """Return a request of the newest revision."""
    meta = {VERSION_META_KEY: NEWEST_VERSION, CAPABILITIES_META_KEY: {}}
    return {"jsonrpc": "2.0", "id": "a", "method": method, "params": {**params, "_meta": meta}}


def stateless_headers(method: str, name: str | None = None) -> dict[str, str]:
    """Return the headers that the newest revision requires."""
    headers = {"MCP_Protocol_Version": NEWEST_VERSION, "Mcp_Method": method}
    return headers if name is None else {**headers, "Mcp_Name": name}
