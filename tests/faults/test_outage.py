"""While the database is away, 503 for scripts and people alike; nothing has to be restarted afterwards."""

from __future__ import annotations

import http.client
import threading
import time
from collections import Counter
from typing import Any, NoReturn

from django.db import OperationalError, connection
from django.test import Client

from tests.dashboard.test_up import wait_until
from tests.faults.site import Answer, Site, kill


def test_pages_and_api_answer_503_and_recover_by_themselves(site: Site) -> None:
    assert {site.page().status, site.get("/api/v1/runs").status} == {200}
    pages, listings = _Asking(site.page), _Asking(lambda: site.get("/api/v1/runs"))
    try:
        kill(site.children()[1])
        time.sleep(1)
        wait_until(lambda: pages.is_answered and listings.is_answered)
    finally:
        found = [asking.end() for asking in (pages, listings)]

    for answers in found:
        print("answers around a restart of Postgres", Counter(each.status for each in answers))
        assert {each.status for each in answers} <= {200, 503}
        assert all(each.headers["retry-after"] == "5" for each in answers if each.status == 503)
        assert answers[-1].status == 200


def test_a_page_without_its_database_says_so(member_client: Client) -> None:
    with connection.execute_wrapper(_away):
        response = member_client.get("/p/default/runs/")

    assert response.status_code == 503
    assert response["Retry-After"] == "5"
    assert "The database does not answer" in response.content.decode()


def test_the_api_without_its_database_says_so(client: Client, db: None) -> None:
    with connection.execute_wrapper(_away):
        response = client.get("/api/v1/runs", headers={"Authorization": "Bearer rg_any"})

    assert response.status_code == 503
    assert response["Retry-After"] == "5"
    assert response.json()["error"]["code"] == "database_unavailable"


def _away(*_: Any) -> NoReturn:
    raise OperationalError("connection refused")


class _Asking:
    """Asks the same again and again in threads of its own."""

    def __init__(self, ask: Any) -> None:
        self._ask = ask
        self._answers: list[Answer] = []
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._go_on, daemon=True) for _ in range(3)]
        for each in self._threads:
            each.start()

    @property
    def is_answered(self) -> bool:
        """Whether the last answer was what was asked for."""
        return self._answers[-1].status == 200

    def end(self) -> list[Answer]:
        """All answers, in the order in which they came."""
        self._ended.set()
        for each in self._threads:
            each.join()
        return self._answers

    def _go_on(self) -> None:
        while not self._ended.is_set():
            try:
                self._answers.append(self._ask())
            except (OSError, http.client.HTTPException):
                continue
            time.sleep(0.02)
