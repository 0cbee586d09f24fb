"""The current time of the tests of the tool pages."""

from __future__ import annotations

import pytest
from django.utils import timezone

from tests.runs.analytics import test_tools as tool_data


@pytest.fixture(autouse=True)
def frozen_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the current time to that of the test data."""
    monkeypatch.setattr(timezone, "now", lambda: tool_data.NOW)
