"""The protocol: revisions, messages, headers and errors."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from django.test import Client

from dashboard.mcp.protocol_versions import NEGOTIATED_VERSIONS, SUPPORTED_VERSIONS, VERSION_META_KEY
from dashboard.mcp.tools import TOOLS
from dashboard.mcp.views import MAX_MESSAGE_BYTES
from runs.models import Project
from tests import factories
from tests.dashboard.mcp.client import McpTestClient, stateless_headers, stateless_request

PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
INITIALIZED = {"jsonrpc": "2.0", "method": "notifications/initialized"}
UNKNOWN = {"jsonrpc": "2.0", "id": 1, "method": "resources/list"}


@pytest.mark.parametrize(
    ("requested", "offered"),
    [
        *((version, version) for version in NEGOTIATED_VERSIONS),
        ("2026-07-28", "2025-11-25"),
        ("1999-01-01", "2025-11-25"),
    ],
)
def test_initialize_negotiates_a_revision(mcp: McpTestClient, requested: str, offered: str) -> None:
    result = mcp.request("initialize", protocolVersion=requested, capabilities={}, clientInfo={"name": "x"})["result"]

    assert result["protocolVersion"] == offered
    assert result["serverInfo"]["name"] == "runglass"
    assert result["capabilities"] == {"tools": {}}
    assert "never an instruction" in result["instructions"]


@pytest.mark.parametrize("version", [None, *NEGOTIATED_VERSIONS])
def test_negotiated_revisions_list_tools(mcp: McpTestClient, version: str | None) -> None:
    headers = {} if version is None else {"MCP_Protocol_Version": version}
    result = mcp.post(LIST, **headers).json()["result"]

    assert "resultType" not in result
    assert [tool["name"] for tool in result["tools"]][:2] == ["search_runs", "describe_query_language"]


def test_newest_revision_needs_no_handshake(mcp: McpTestClient) -> None:
    discovered = mcp.post(stateless_request("server/discover"), **stateless_headers("server/discover"))
    listed = mcp.post(stateless_request("tools/list"), **stateless_headers("tools/list"))

    assert discovered.json()["result"]["supportedVersions"] == list(SUPPORTED_VERSIONS)
    for response in (discovered, listed):
        result = response.json()["result"]
        assert (result["resultType"], result["cacheScope"]) == ("complete", "private")
        assert result["_meta"]["io.modelcontextprotocol/serverInfo"]["name"] == "runglass"
        assert "Mcp-Session-Id" not in response


@pytest.mark.parametrize(
    ("method", "code", "status"),
    [("ping", -32601, 404), ("initialize", -32601, 404), ("resources/list", -32601, 404), ("tools/call", -32602, 400)],
)
def test_newest_revision_maps_errors_to_statuses(mcp: McpTestClient, method: str, code: int, status: int) -> None:
    response = mcp.post(stateless_request(method, name="x"), **stateless_headers(method, "x"))

    assert (response.status_code, response.json()["error"]["code"]) == (status, code)
    assert response.json()["id"] == "a"


@pytest.mark.parametrize(
    ("headers", "code", "text"),
    [
        ({"MCP_Protocol_Version": ""}, -32020, "MCP-Protocol-Version is ''"),
        ({"MCP_Protocol_Version": "2025-11-25"}, -32020, "MCP-Protocol-Version is '2025-11-25'"),
        ({"Mcp_Method": "tools/list"}, -32020, "Mcp-Method is 'tools/list'"),
        ({"Mcp_Method": None}, -32020, "Mcp-Method is missing"),
        ({"Mcp_Name": "get_run"}, -32020, "Mcp-Name is 'get_run'"),
        ({"Mcp_Name": "=?base64?!?="}, -32020, "Mcp-Name is"),
        ({"Mcp_Name": None}, -32020, "Mcp-Name is missing"),
    ],
)
def test_headers_must_repeat_the_body(mcp: McpTestClient, headers: dict[str, Any], code: int, text: str) -> None:
    sent = stateless_headers("tools/call", "describe_query_language") | headers
    sent = {name: value for name, value in sent.items() if value is not None}
    response = mcp.post(stateless_request("tools/call", name="describe_query_language"), **sent)

    assert (response.status_code, response.json()["error"]["code"]) == (400, code)
    assert text in response.json()["error"]["message"]


def test_encoded_header_repeats_the_body(mcp: McpTestClient) -> None:
    name = f"=?base64?{base64.b64encode(b'describe_query_language').decode()}?="
    message = stateless_request("tools/call", name="describe_query_language")

    assert mcp.post(message, **stateless_headers("tools/call", name)).status_code == 200


def test_newest_revision_requires_metadata(mcp: McpTestClient) -> None:
    response = mcp.post(LIST, **stateless_headers("tools/list"))

    assert (response.status_code, response.json()["error"]["code"]) == (400, -32602)
    assert VERSION_META_KEY in response.json()["error"]["message"]


def test_metadata_requires_the_header(mcp: McpTestClient) -> None:
    response = mcp.post(stateless_request("tools/list"))

    assert (response.status_code, response.json()["error"]["code"]) == (400, -32020)


@pytest.mark.parametrize("has_metadata", [True, False])
def test_unknown_revision_names_the_supported(mcp: McpTestClient, has_metadata: bool) -> None:
    message = stateless_request("tools/list") if has_metadata else dict(LIST)
    if has_metadata:
        message["params"]["_meta"][VERSION_META_KEY] = "2031-01-01"
    response = mcp.post(message, MCP_Protocol_Version="2031-01-01", Mcp_Method="tools/list")

    assert (response.status_code, response.json()["error"]["code"]) == (400, -32022)
    assert response.json()["error"]["data"] == {"supported": list(SUPPORTED_VERSIONS), "requested": "2031-01-01"}


@pytest.mark.parametrize(
    ("body", "code", "text"),
    [
        (b" ", -32700, "not valid JSON"),
        (b"{", -32700, "not valid JSON"),
        (b"\xff\xfe", -32700, "not valid JSON"),
        (b'{"a": "\\ud800"}', -32700, "not valid JSON"),
        (b"[" * 100_000, -32700, "not valid JSON"),
        (b"[]", -32600, "The batch has 0 messages; expected 1 to 50"),
        ([PING] * 51, -32600, "The batch has 51 messages"),
        (b'"ping"', -32600, "an object"),
        (b"null", -32600, "an object"),
        ({}, -32600, "jsonrpc: expected '2.0'"),
        (PING | {"jsonrpc": "1.0"}, -32600, "jsonrpc"),
        (PING | {"method": 1}, -32600, "method: expected a string"),
        (PING | {"params": []}, -32600, "params: expected an object"),
        (PING | {"id": None}, -32600, "id: expected a string or an integer"),
        (PING | {"id": 1.5}, -32600, "id"),
        (PING | {"id": True}, -32600, "id"),
        ({"jsonrpc": "2.0", "id": 1, "result": {}}, -32600, "expects no responses"),
    ],
)
def test_invalid_messages_get_400(mcp: McpTestClient, body: Any, code: int, text: str) -> None:
    response = mcp.post(body)

    error = response.json()["error"]
    assert (response.status_code, error["code"], response.json()["jsonrpc"]) == (400, code, "2.0")
    assert text in error["message"]


@pytest.mark.parametrize("version", [None, "2025-03-26"])
def test_batch_gets_a_response_per_request(mcp: McpTestClient, version: str | None) -> None:
    headers = {} if version is None else {"MCP_Protocol_Version": version}
    batch = [PING, INITIALIZED, LIST | {"id": "b"}, 7, UNKNOWN | {"id": 3}, {"jsonrpc": "2.0", "id": 4, "result": {}}]
    response = mcp.post([*batch, PING | {"method": "initialize", "id": 5}], **headers)

    answers = response.json()
    assert response.status_code == 200
    assert [answer["id"] for answer in answers] == [1, "b", None, 3, 4, 5]
    assert answers[0]["result"] == {}
    assert len(answers[1]["result"]["tools"]) == len(TOOLS)
    assert [answer["error"]["code"] for answer in answers[2:]] == [-32600, -32601, -32600, -32600]
    assert "in a request of its own" in answers[-1]["error"]["message"]


@pytest.mark.parametrize("version", ["2024-11-05", "2025-06-18", "2025-11-25", "2026-07-28"])
def test_other_revisions_have_no_batches(mcp: McpTestClient, version: str) -> None:
    response = mcp.post([PING], MCP_Protocol_Version=version)

    assert (response.status_code, response.json()["error"]["code"]) == (400, -32600)
    assert f"Revision {version} of the protocol has no batches" in response.json()["error"]["message"]


def test_batch_of_unknown_revision_names_the_supported(mcp: McpTestClient) -> None:
    response = mcp.post([PING], MCP_Protocol_Version="2031-01-01")

    assert (response.status_code, response.json()["error"]["code"]) == (400, -32022)


@pytest.mark.parametrize(
    ("batch", "status"), [([INITIALIZED, INITIALIZED], 202), ([7, {}], 400), ([INITIALIZED, 7], 200)]
)
def test_batch_without_requests(mcp: McpTestClient, batch: list[Any], status: int) -> None:
    response = mcp.post(batch)

    assert response.status_code == status
    assert (response.content == b"") is (status == 202)


def test_batch_ends_when_its_time_is_over(mcp: McpTestClient, settings: Any) -> None:
    settings.READ_TIMEOUT_SECONDS = -1
    answers = mcp.post([PING, INITIALIZED]).json()

    assert [(answer["id"], answer["error"]["code"]) for answer in answers] == [(1, -32603)]


@pytest.mark.parametrize("headers", [{}, stateless_headers("notifications/initialized")], ids=["negotiated", "newest"])
def test_notifications_get_202(mcp: McpTestClient, headers: dict[str, str]) -> None:
    response = mcp.post({"jsonrpc": "2.0", "method": "notifications/initialized"}, **headers)

    assert (response.status_code, response.content) == (202, b"")


@pytest.mark.parametrize(
    ("params", "text"),
    [
        ({"name": "get_runs"}, "did you mean 'get_run'?"),
        ({"name": "drop_table"}, "expected one of search_runs"),
        ({"name": {}}, "Unknown tool"),
        ({}, "Unknown tool"),
        ({"name": "get_run", "arguments": []}, "arguments: expected an object"),
    ],
)
def test_invalid_calls_are_protocol_errors(mcp: McpTestClient, params: dict[str, Any], text: str) -> None:
    response = mcp.post({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params})

    assert (response.status_code, response.json()["error"]["code"]) == (200, -32602)
    assert text in response.json()["error"]["message"]


def test_unknown_method_keeps_older_clients_connected(mcp: McpTestClient) -> None:
    response = mcp.post(UNKNOWN)

    assert (response.status_code, response.json()["error"]["code"]) == (200, -32601)
    assert mcp.post(PING).json()["result"] == {}


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT", "OPTIONS"])
def test_other_http_methods_get_405(client: Client, method: str) -> None:
    response = client.generic(method, "/mcp")

    assert (response.status_code, response["Allow"]) == (405, "POST")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "https://testserver"}, 403),
        ({"Origin": "http://testserver"}, 200),
        ({"Origin": "https://runs.example"}, 200),
        ({"Host": "evil.example"}, 400),
    ],
)
def test_pages_of_other_sites_are_refused(
    mcp: McpTestClient, settings: Any, headers: dict[str, str], status: int
) -> None:
    settings.CSRF_TRUSTED_ORIGINS = ["https://runs.example"]
    settings.ALLOWED_HOSTS = ["testserver"]
    response = mcp.post(PING, **headers)

    assert response.status_code == status
    assert response.json()["jsonrpc"] == "2.0"


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded"])
def test_other_content_types_get_415(mcp: McpTestClient, content_type: str) -> None:
    response = mcp.post(json.dumps(PING), content_type=content_type)

    assert response.status_code == 415
    assert "expected application/json" in response.json()["error"]["message"]


def test_large_message_gets_413(mcp: McpTestClient) -> None:
    response = mcp.post(PING | {"params": {"padding": "x" * MAX_MESSAGE_BYTES}})

    assert response.status_code == 413
    assert "expected at most 262,144" in response.json()["error"]["message"]


@pytest.mark.parametrize(("scope", "status"), [("ingest", 403), ("delete", 403), ("read", 200)])
def test_keys_need_the_scope_read(project: Project, scope: str, status: int) -> None:
    response = McpTestClient(factories.make_key(project, scope)).post(PING)

    assert response.status_code == status


def test_unknown_key_gets_401_as_json_rpc(db: None) -> None:
    response = McpTestClient("rg_unknown").post(PING)

    assert (response.status_code, response["WWW-Authenticate"]) == (401, "Bearer")
    assert response.json()["error"]["message"] == "The API key is unknown, revoked or expired"
