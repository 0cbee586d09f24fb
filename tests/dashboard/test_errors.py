"""The last resort: what is answered when the code itself is at fault."""

from __future__ import annotations

import pytest
from django.test import RequestFactory

from dashboard.web import error_views


@pytest.mark.parametrize("path", ["/api/v1/runs", "/v1/threads", "/openai/threads", "/api/projects/p/threads"])
def test_clients_of_the_apis_get_json(path: str) -> None:
    answer = error_views.server_error_view(RequestFactory().get(path))
    assert (answer.status_code, answer["Content-Type"]) == (500, "application/json")
    assert b'"code": "server_error"' in answer.content


def test_people_get_a_page() -> None:
    answer = error_views.server_error_view(RequestFactory().get("/p/default/runs/"))
    assert answer.status_code == 500
    assert b"<h1>" in answer.content or b"<h2>" in answer.content
