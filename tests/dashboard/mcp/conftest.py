"""Fixtures of the tests of the Model Context Protocol."""

from __future__ import annotations

import pytest

from runs.models import Project
from tests.dashboard.mcp.client import McpTestClient


@pytest.fixture
def mcp(project: Project) -> McpTestClient:
    return McpTestClient.for_project(project)
