"""Fixtures for the tests of the REST API."""

from __future__ import annotations

import pytest

from runs.models import Project
from tests.runs.api.api_client import ApiClient


@pytest.fixture
def client(project: Project) -> ApiClient:
    """Return a client whose API key has all scopes in `project`."""
    return ApiClient.for_project(project)
