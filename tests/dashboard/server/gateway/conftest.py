"""Fixtures of the gateway's tests."""

from __future__ import annotations

import pytest

from dashboard.server.gateway import callers
from tests.dashboard.server.gateway.asgi import VALID_KEY


@pytest.fixture(autouse=True)
def known_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let one API key be valid, without a database."""
    monkeypatch.setattr(callers, "is_usable_api_key", lambda secret: secret == VALID_KEY)
    monkeypatch.setattr(callers, "close_old_connections", lambda: None)
