"""Runs get a cost and an error group when they are stored."""

from __future__ import annotations

import pytest

from runs.models import ErrorGroup, Project, Run
from tests import factories
from tests.factories import failed_run, run_object

USAGE = {"prompt_tokens": 1_000, "completion_tokens": 100, "total_tokens": 1_100}
CACHED = {**USAGE, "prompt_token_details": {"cached_tokens": 600}}


@pytest.mark.parametrize(
    ("model", "usage", "nano_dollars"),
    [
        # 1,000 * 0.15 + 100 * 0.60 = 210 millionths of a dollar
        ("gpt-4o-mini", USAGE, 210_000),
        # 400 * 0.15 + 600 * 0.075 + 100 * 0.60 = 165
        ("gpt-4o-mini", CACHED, 165_000),
        ("gpt-4o-mini", None, None),
        ("our-deployment", USAGE, None),
        (None, USAGE, None),
        # more than a bigint holds
        ("gpt-4o-mini", {"prompt_tokens": 2**62, "completion_tokens": 2**62, "total_tokens": 1}, None),
    ],
)
def test_run_gets_its_cost(project: Project, model: str | None, usage: object, nano_dollars: int | None) -> None:
    assert factories.post_run(project, model=model, usage=usage).cost == nano_dollars


def test_price_overrides_take_precedence(project: Project) -> None:
    project.prices = {
        "our-deployment": {"input": "1", "output": "2.5"},
        "gpt-4o-mini": {"input": "0.001", "output": "0", "cached": "0"},
    }
    # 1,000 * 1 + 100 * 2.5, cached tokens like any other
    assert factories.post_run(project, model="our-deployment", usage=CACHED).cost == 1_250_000
    # 400 * 0.001
    assert factories.post_run(project, model="gpt-4o-mini", usage=CACHED).cost == 400


def test_runs_with_same_failure_share_group(project: Project) -> None:
    posts = [failed_run(message=f"Request {number} was refused.") for number in range(3)]
    factories.post(project, posts[0])
    factories.post(project, *posts[1:])
    group = ErrorGroup.objects.get()
    assert set(Run.objects.values_list("error_group", flat=True)) == {group.pk}
    assert (group.project, group.status, group.code) == (project, "failed", "rate_limit_exceeded")
    assert (group.sample, group.state) == ("Request 0 was refused.", "open")


def test_groups_are_separate_by_project(project: Project) -> None:
    factories.post(project, failed_run())
    factories.post(factories.make_project("other"), failed_run())
    assert ErrorGroup.objects.count() == 2


def test_completed_run_leaves_its_group(project: Project) -> None:
    posted = run_object(status="failed", last_error={"code": "server_error", "message": "Sorry."})
    factories.post(project, posted)
    assert Run.objects.get().error_group is not None
    factories.post(project, posted | {"status": "completed", "last_error": None})
    assert Run.objects.get().error_group is None


def test_derived_fields_never_make_post_a_change(project: Project) -> None:
    posted = failed_run(usage=USAGE)
    factories.post(project, posted)
    Run.objects.update(cost=1, error_group=None)
    report = factories.post(project, posted)
    assert report.counts["unchanged"] == 1
