"""Fixtures for the tests of the usage page."""

from __future__ import annotations

from datetime import datetime

import pytest
from django.test import Client
from django.utils import timezone

from tests.runs.analytics.usage.seeded_project import NOW


@pytest.fixture(autouse=True)
def now(monkeypatch: pytest.MonkeyPatch) -> datetime:
    """The time of the requests."""
    monkeypatch.setattr(timezone, "now", lambda: NOW)
    return NOW


@pytest.fixture
def client(member_client: Client) -> Client:
    """A browser of a member in India."""
    member_client.cookies["timezone"] = "Asia/Kolkata"
    return member_client
