"""What logs and metrics say about a request, and what they never say."""

from __future__ import annotations

import json
import logging
import re
from typing import Any, NoReturn

import pytest
from django.db import OperationalError, connection
from django.test import Client
from prometheus_client import REGISTRY

from dashboard.server.log_format import JsonFormatter
from runs.models import Project, User
from tests import factories

ACCESS_LOGGER = "dashboard.monitoring.access_log"


class _Lines(logging.Handler):
    """Formats records as JSON when they are written, while their request is known."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(JsonFormatter())
        self.lines: list[dict[str, Any]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(json.loads(self.format(record)))


@pytest.fixture
def lines(settings: Any) -> Any:
    settings.LOG_ALL_REQUESTS = True
    handler, root = _Lines(), logging.getLogger()
    root.addHandler(handler)
    yield handler.lines
    root.removeHandler(handler)


def count_requests(method: str, route: str, status: str) -> float:
    labels = {"method": method, "route": route, "status": status}
    return REGISTRY.get_sample_value("runglass_http_requests_total", labels) or 0


def raise_outage(*_: Any) -> NoReturn:
    raise OperationalError("connection refused")


def test_page_is_logged_with_its_user(member: User, member_client: Client, lines: list[dict[str, Any]]) -> None:
    response = member_client.get("/p/default/runs/?q=secret-word", headers={"X-Request-ID": "forged-by-me"})
    [line] = [line for line in lines if line["logger"] == ACCESS_LOGGER]
    assert line["message"].startswith("GET /p/default/runs/: 200 after ")
    assert line["request_id"] == response["X-Request-ID"] != "forged-by-me"
    expected = {"method": "GET", "route": "runs", "status": 200, "project": "default", "user_id": member.pk}
    assert line.items() >= (expected | {"address": "127.0.0.1", "level": "INFO"}).items()
    assert line["duration_ms"] > 0


def test_secrets_and_payloads_are_not_logged(project: Project, client: Client, lines: list[dict[str, Any]]) -> None:
    key = factories.make_key(project)
    posted = factories.run_object(instructions="the-payload")
    url = "/api/v1/runs?token=the-query"
    for target in ("/api/v1/runs", url):
        client.post(target, posted, content_type="application/json", headers={"Authorization": f"Bearer {key}"})
    text = json.dumps(lines)
    assert '"key_prefix": "' + key[:10] in text
    assert not re.search(f"{key}|the-payload|the-query", text)


def test_only_notable_requests_are_logged(client: Client, lines: list[dict[str, Any]], settings: Any, db: None) -> None:
    settings.LOG_ALL_REQUESTS = False
    client.get("/login/")
    assert lines == []
    with connection.execute_wrapper(raise_outage):
        client.get("/api/v1/runs", headers={"Authorization": "Bearer rg_any"})
    assert [line["level"] for line in lines if line["logger"] == ACCESS_LOGGER] == ["WARNING"]


@pytest.mark.parametrize(
    ("path", "route", "status"),
    [
        ("/p/default/runs/", "runs", "2xx"),
        ("/p/default/runs/run_unknown/", "run", "4xx"),
        ("/p/default/runs.csv", "runs-csv", "2xx"),
        ("/static/none.css", "static", "4xx"),
        ("/nowhere/at/all", "unknown", "4xx"),
        ("/api/v1/runs/run_1", "api-run", "4xx"),
    ],
)
def test_requests_are_counted_by_route(member_client: Client, path: str, route: str, status: str) -> None:
    before = count_requests("GET", route, status)
    member_client.get(path)
    assert count_requests("GET", route, status) == before + 1


def test_invented_methods_share_a_label(client: Client, db: None) -> None:
    before = count_requests("other", "account_login", "4xx")
    for method in ("INVENTED", "BREW"):
        client.generic(method, "/login/")
    assert count_requests("other", "account_login", "4xx") == before + 2


@pytest.mark.parametrize("path", ["/p/default/runs/", "/api/v1/runs", "/v1/threads"])
def test_server_errors_name_the_request(
    member_client: Client, monkeypatch: pytest.MonkeyPatch, path: str, project: Project
) -> None:
    def fail(*_: Any) -> NoReturn:
        raise ZeroDivisionError

    monkeypatch.setattr("dashboard.web.read_time_limit_middleware.limit_query_time", fail)
    member_client.raise_request_exception = False
    response = member_client.get(path)
    assert response.status_code == 500
    assert path == "/v1/threads" or response["X-Request-ID"] in response.content.decode()


def read_outage(client: Client, path: str) -> Any:
    with connection.execute_wrapper(raise_outage):
        return client.get(path, headers={"Authorization": "Bearer rg_any"})


@pytest.mark.parametrize("path", ["/p/default/runs/", "/api/v1/runs"])
def test_outage_names_the_request(member_client: Client, path: str) -> None:
    response = read_outage(member_client, path)
    assert response.status_code == 503
    assert response["X-Request-ID"] in response.content.decode()


def test_client_errors_need_no_request_id(client: Client, db: None) -> None:
    assert "request_id" not in client.get("/api/v1/runs").json()["error"]


def test_ingested_objects_are_counted(project: Project) -> None:
    def count(outcome: str) -> float:
        labels = {"kind": "runs", "outcome": outcome}
        return REGISTRY.get_sample_value("runglass_ingested_objects_total", labels) or 0

    outcomes = ("created", "unchanged", "updated", "rejected")
    before = [count(outcome) for outcome in outcomes]
    run = factories.run_object()
    factories.post(project, run, factories.run_object(), {"id": 5})
    factories.post(project, run)
    after = [count(outcome) for outcome in outcomes]
    assert [now - then for now, then in zip(after, before, strict=True)] == [2, 1, 0, 1]
