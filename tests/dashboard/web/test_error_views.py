"""Tests of the response to an unhandled exception."""

from __future__ import annotations

import pytest
from django.db import OperationalError
from django.test import RequestFactory
from google.protobuf import json_format
from google.rpc.status_pb2 import Status

from dashboard.web import error_views


@pytest.mark.parametrize("path", ["/api/v1/runs", "/v1/threads", "/openai/threads", "/api/projects/p/threads"])
def test_api_clients_get_json(path: str) -> None:
    response = error_views.server_error_view(RequestFactory().get(path))
    assert (response.status_code, response["Content-Type"]) == (500, "application/json")
    assert b'"code": "server_error"' in response.content


def test_browsers_get_a_page() -> None:
    response = error_views.server_error_view(RequestFactory().get("/p/default/runs/"))
    assert response.status_code == 500
    assert b"<h1>" in response.content or b"<h2>" in response.content


@pytest.mark.parametrize("content_type", ["application/json", "application/x-protobuf"])
@pytest.mark.parametrize("path", ["/v1/traces", "/v1/traces/ingest", "/v1/logs", "/v1/metrics"])
def test_exporters_get_the_status_of_their_encoding(path: str, content_type: str) -> None:
    request = RequestFactory().post(path, b"x", content_type)
    try:
        raise OperationalError("the connection is closed")
    except OperationalError:
        outage = error_views.server_error_view(request)
    bug = error_views.server_error_view(request)

    for response, status, code in ((outage, 503, 14), (bug, 500, 13)):
        assert (response.status_code, response["Content-Type"]) == (status, content_type)
        is_json = content_type == "application/json"
        parsed = json_format.Parse(response.content, Status()) if is_json else Status.FromString(response.content)
        assert parsed.code == code
    assert outage["Retry-After"] == "1"
    assert "Retry-After" not in bug
