"""Sessions end without requests, and after their lifetime; most requests write nothing."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from dashboard.web import sessions
from runs.models import User
from tests import factories

HOUR = 3600
PAGE = "/p/default/runs/"


class Clock:
    """The time that sessions see."""

    def __init__(self) -> None:
        self.offset = timedelta()
        self.real_now = timezone.now

    def now(self) -> datetime:
        return self.real_now() + self.offset

    def time(self) -> float:
        return self.now().timestamp()

    def advance(self, **duration: float) -> None:
        self.offset += timedelta(**duration)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(sessions, "time", clock)
    monkeypatch.setattr("django.utils.timezone.now", clock.now)
    return clock


@pytest.fixture
def signed_in(clock: Clock, member: User) -> Client:
    client = Client()
    response = client.post("/login/", {"username": member.username, "password": factories.PASSWORD})
    assert response.status_code == 302
    return client


def is_signed_in(client: Client) -> bool:
    return client.get(PAGE).status_code == 200


def test_idle_session_ends(signed_in: Client, clock: Clock) -> None:
    clock.advance(hours=71)
    assert is_signed_in(signed_in)
    clock.advance(hours=71)
    assert is_signed_in(signed_in)
    clock.advance(hours=73)
    assert not is_signed_in(signed_in)


def test_session_ends_after_its_lifetime(signed_in: Client, clock: Clock) -> None:
    for _ in range(13):
        clock.advance(days=1)
        assert is_signed_in(signed_in)
    clock.advance(days=1, minutes=1)
    assert not is_signed_in(signed_in)


def test_requests_rarely_write_the_session(signed_in: Client, clock: Clock) -> None:
    def count_writes() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert is_signed_in(signed_in)
        return sum('UPDATE "django_session"' in query["sql"] for query in captured.captured_queries)

    assert count_writes() == 0
    clock.advance(hours=4)
    assert [count_writes(), count_writes()] == [1, 0]
    for _ in range(13 * 2):
        clock.advance(hours=12)
        count_writes()
    assert [count_writes(), count_writes()] == [0, 0]  # near the end of the lifetime, nothing is left to extend


def test_cookie_ends_with_the_session(signed_in: Client, settings: Any) -> None:
    cookie = signed_in.cookies[settings.SESSION_COOKIE_NAME]
    assert 71 * HOUR < int(cookie["max-age"]) <= 72 * HOUR
    row = Session.objects.get(session_key=cookie.value)
    assert abs((row.expire_date - timezone.now()).total_seconds() - 72 * HOUR) < 60
