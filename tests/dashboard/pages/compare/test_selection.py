"""The comparison of the runs that are selected in the run list."""

from __future__ import annotations

import pytest
from django.test import Client

from runs.models import Project
from tests import factories
from tests.pages import Page

URL = "/p/default/compare/selected"


def test_earlier_run_is_on_the_left(member_client: Client, project: Project) -> None:
    early = factories.post_run(project, id="run_early", created_at=factories.NOW)
    late = factories.post_run(project, id="run_late", created_at=factories.NOW + 9)
    response = member_client.post(URL, {"run": [str(late.pk), str(early.pk)]})
    assert response["Location"] == "/p/default/compare/?left=run_early&right=run_late"


@pytest.mark.parametrize("count", [0, 1, 3])
def test_exactly_two_runs_are_required(member_client: Client, project: Project, count: int) -> None:
    runs = [factories.post_run(project) for _ in range(count)]
    response = member_client.post(URL, {"run": [str(run.pk) for run in runs], "query": "status=failed"}, follow=True)
    assert response.redirect_chain == [("/p/default/runs/?status=failed", 302)]
    assert "Select exactly two runs to compare." in [status.text for status in Page(response).find_all("status")]
