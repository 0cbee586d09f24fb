"""Errors of requests that no view handles have the form of their API."""

from __future__ import annotations

import json

import pytest
from django.test import Client

from dashboard.server.gateway.rejections import busy_rejection

OWN_MEMBERS = {"code", "message", "fields"}
ASSISTANTS_MEMBERS = {"message", "type", "param", "code"}
PREFIXES = {
    "/api/v1/": OWN_MEMBERS,
    "/v1/": ASSISTANTS_MEMBERS,
    "/openai/": ASSISTANTS_MEMBERS,
    "/openai/v1/": ASSISTANTS_MEMBERS,
    "/api/projects/any/": ASSISTANTS_MEMBERS,
}


@pytest.mark.parametrize(("prefix", "members"), PREFIXES.items())
def test_malformed_path_gets_error_of_its_api(prefix: str, members: set[str]) -> None:
    response = Client().get(f"{prefix}threads/%00")

    error = response.json()["error"]
    assert (response.status_code, error["code"]) == (400, "bad_request")
    assert set(error) == members


@pytest.mark.parametrize(("prefix", "members"), PREFIXES.items())
def test_rejected_request_gets_error_of_its_api(prefix: str, members: set[str]) -> None:
    response = busy_rejection().build_response(f"{prefix}threads", "")

    assert (response.status_code, response["Retry-After"]) == (503, "2")
    assert set(json.loads(response.content)["error"]) == members


def test_rejected_mcp_message_gets_json_rpc_error() -> None:
    response = busy_rejection().build_response("/mcp", "")

    error = json.loads(response.content)["error"]
    assert (response.status_code, error["code"], error["data"]) == (503, -32603, {"code": "busy"})


def test_path_of_no_api_gets_404_as_json(client: Client) -> None:
    response = client.get("/api/v2/runs")

    assert (response.status_code, response.json()["error"]["type"]) == (404, "invalid_request_error")
