"""Fixtures of the API's tests."""

from __future__ import annotations

import pytest

from runs.models import Project
from tests.runs.api.caller import Caller


@pytest.fixture
def caller(project: Project) -> Caller:
    """A client whose key may do everything in `project`."""
    return Caller.of(project)
