"""Tests of the limit of processor time."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from dashboard.web import cpu_time_limit
from dashboard.web.cpu_time_limit import limit_cpu_time
from runs.errors import QueryTimeout
from runs.models import Run
from tests import factories


@pytest.fixture(autouse=True)
def short_watch_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cpu_time_limit, "_WATCH_INTERVAL", 0.05)


@pytest.fixture(autouse=True)
def kept_connections(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Count how often connections would be discarded, without closing that of the test."""
    discarded: list[str] = []
    monkeypatch.setattr(cpu_time_limit, "discard_connections", lambda: discarded.append("discarded"))
    return discarded


def spin(seconds: float = 20) -> None:
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


def spin_and_swallow() -> None:
    try:
        spin()
    except QueryTimeout:
        spin()


@pytest.mark.parametrize("work", [spin, spin_and_swallow])
def test_endless_python_is_stopped(work: Any, kept_connections: list[str]) -> None:
    started = time.thread_time()
    with pytest.raises(QueryTimeout), limit_cpu_time(0.1, QueryTimeout):
        work()
    assert time.thread_time() - started < 10
    assert kept_connections == ["discarded"]


def test_waiting_costs_no_processor_time(kept_connections: list[str]) -> None:
    with limit_cpu_time(0.2, QueryTimeout):
        time.sleep(0.5)
    assert kept_connections == []


def test_other_threads_are_left_alone() -> None:
    with limit_cpu_time(0.2, QueryTimeout):
        other = threading.Thread(target=spin, args=(0.5,))
        other.start()
        other.join()


def test_nothing_is_raised_after_the_block() -> None:
    with pytest.raises(QueryTimeout), limit_cpu_time(0.05, QueryTimeout):
        spin()
    spin(0.3)


@pytest.mark.django_db(transaction=True)
def test_endless_page_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, settings: Any, kept_connections: list[str]
) -> None:
    client = Client()
    client.force_login(factories.make_user(factories.make_project()))
    client.get("/p/default/runs/run_1/")  # imports the pages
    settings.READ_TIMEOUT_SECONDS = 0.5
    monkeypatch.setattr(type(Run.objects.all()), "find", lambda *_: spin())
    response = client.get("/p/default/runs/run_1/")
    assert response.status_code == 503
    assert "Choose a shorter time range" in response.content.decode()
    assert kept_connections == ["discarded"]
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        assert cursor.fetchone() == (1,)
