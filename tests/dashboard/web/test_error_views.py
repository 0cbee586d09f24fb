"""Tests of the response to an unhandled exception."""

from __future__ import annotations

import pytest
from django.test import RequestFactory

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
