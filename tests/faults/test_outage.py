"""Tests that pages and API respond with 503 during a database outage, and recover without a restart."""

from __future__ import annotations

import http.client
import threading
import time
from collections import Counter
from typing import Any, NoReturn

import pytest
from django.db import OperationalError, connection
from django.test import Client

from tests.dashboard.server.test_up import wait_until
from tests.faults.site import Site, SiteResponse, kill


def test_pages_and_api_recover_from_an_outage(site: Site) -> None:
    assert {site.page().status, site.get("/api/v1/runs").status} == {200}
    pages, lists = _Poller(site.page), _Poller(lambda: site.get("/api/v1/runs"))
    try:
        kill(site.children()[1])
        time.sleep(1)
        wait_until(lambda: pages.is_successful and lists.is_successful)
    finally:
        results = [poller.stop() for poller in (pages, lists)]

    for responses in results:
        print("responses around a restart of Postgres", Counter(response.status for response in responses))
        assert {response.status for response in responses} <= {200, 503}
        assert all(response.headers["retry-after"] == "5" for response in responses if response.status == 503)
        assert responses[-1].status == 200


def test_page_without_database_is_503(member_client: Client) -> None:
    with connection.execute_wrapper(_raise_outage):
        response = member_client.get("/p/default/runs/")

    assert response.status_code == 503
    assert response["Retry-After"] == "5"
    assert "Database not available" in response.content.decode()


def test_api_without_database_is_503(client: Client, db: None) -> None:
    with connection.execute_wrapper(_raise_outage):
        response = client.get("/api/v1/runs", headers={"Authorization": "Bearer rg_any"})

    assert response.status_code == 503
    assert response["Retry-After"] == "5"
    assert response.json()["error"]["code"] == "database_unavailable"


@pytest.mark.parametrize("path", ["/p/default/runs/", "/api/v1/runs"])
def test_outage_in_middleware_is_503(client: Client, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    monkeypatch.setattr("dashboard.web.read_time_limit_middleware.limit_query_time", _raise_outage)
    client.raise_request_exception = False
    response = client.get(path)

    assert response.status_code == 503
    assert response["Retry-After"] == "5"


def _raise_outage(*_: Any) -> NoReturn:
    raise OperationalError("connection refused")


class _Poller:
    """Sends the same request repeatedly from several threads."""

    def __init__(self, send: Any) -> None:
        self._send = send
        self._responses: list[SiteResponse] = []
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._poll, daemon=True) for _ in range(3)]
        for thread in self._threads:
            thread.start()

    @property
    def is_successful(self) -> bool:
        """Return whether the last response was successful."""
        return self._responses[-1].status == 200

    def stop(self) -> list[SiteResponse]:
        """Stop, and return all responses in the order of their arrival."""
        self._stopping.set()
        for thread in self._threads:
            thread.join()
        return self._responses

    def _poll(self) -> None:
        while not self._stopping.is_set():
            try:
                self._responses.append(self._send())
            except (OSError, http.client.HTTPException):
                continue
            time.sleep(0.02)
