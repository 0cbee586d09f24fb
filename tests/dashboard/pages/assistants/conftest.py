"""Fixtures of the tests of the assistants pages."""

from __future__ import annotations

import pytest

from runs.models import Project
from tests import factories


@pytest.fixture
def three_assistants(project) -> Project:
    """asst_a ran twice and failed once; asst_b, which has no price, ran three times; asst_c ran once, and last."""
    base = {"usage": {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100}, "model": "gpt-4o"}
    runs = [
        factories.run_object(assistant_id="asst_a", created_at=factories.NOW, **base),
        factories.failed_run(assistant_id="asst_a", created_at=factories.NOW + 1, model="gpt-4o"),
        *(
            factories.run_object(
                assistant_id="asst_b", created_at=factories.NOW + 2, model="our-own", instructions=text
            )
            for text in "ABC"
        ),
        factories.run_object(assistant_id="asst_c", created_at=factories.NOW + 9_000, model="gpt-4o", usage=None),
    ]
    assert not factories.post(project, *runs).errors
    factories.post_assistants(project, asst_c="Archivist")
    return project
