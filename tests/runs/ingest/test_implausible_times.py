"""Times of creation that cannot be right are stored as posted, and kept out of the way of questions about time."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from runs.models import Message, Project, Run, RunStep
from runs.query import RunFilters
from tests import factories
from tests.factories import message_object, post, post_messages, post_steps, run_object, step_object
from tests.pages import Page
from tests.runs.api.api_client import RUNS, ApiClient

FAR_FUTURE = 4_294_967_295  # the largest time of 32 bits, in the year 2106
IMPLAUSIBLE = [0, 1, 1_577_836_799, FAR_FUTURE, 99_999_999_999, 2**63 - 1, 179_500_000, 17_950_000_000]


def now_seconds() -> int:
    return int(timezone.now().timestamp())


@pytest.mark.parametrize("created_at", IMPLAUSIBLE)
def test_run_is_stored_as_posted_and_ordered_by_receipt(project: Project, created_at: int) -> None:
    posted = run_object(created_at=created_at)
    report = post(project, posted)
    assert [(problem.path, problem.index) for problem in report.warnings] == [("/created_at", 0)]
    run = Run.objects.get()
    assert json.loads(run.as_json()) == posted
    assert abs(run.created_at - run.received_at) < timedelta(seconds=1)
    assert run.posted_created_at is not None
    assert run.duration_ms is None


@pytest.mark.parametrize("created_at", [1_577_836_800, 1_700_000_000, 1_700_000_000_000])
def test_plausible_times_are_kept(project: Project, created_at: int) -> None:
    assert post(project, run_object(created_at=created_at)).warnings == []
    run = Run.objects.get()
    assert (run.posted_created_at, run.stated_created_at) == (None, run.created_at)
    assert run.created_at.year < 2024


def test_clock_that_is_minutes_ahead_is_plausible(project: Project) -> None:
    assert post(project, run_object(created_at=now_seconds() + 600)).warnings == []


def test_time_of_first_receipt_stays(project: Project) -> None:
    begun = run_object(created_at=FAR_FUTURE, status="in_progress", completed_at=None, usage=None)
    post(project, begun)
    first = datetime(2026, 3, 1, tzinfo=UTC)
    Run.objects.update(created_at=first)
    assert post(project, begun).counts["unchanged"] == 1
    ended = begun | {"status": "completed", "completed_at": FAR_FUTURE + 5}
    assert post(project, ended).counts["updated"] == 1
    run = Run.objects.get()
    assert run.created_at == first
    assert json.loads(run.as_json()) == ended
    assert post(project, ended | {"created_at": factories.NOW}).counts["updated"] == 1
    run = Run.objects.get()
    assert (run.created_at.timestamp(), run.posted_created_at) == (factories.NOW, None)


def test_steps_and_messages_are_treated_alike(project: Project) -> None:
    run = run_object()
    step, message = step_object(run, created_at=FAR_FUTURE), message_object(run, created_at=FAR_FUTURE)
    assert len(post_steps(project, step).warnings) == len(post_messages(project, message).warnings) == 1
    for stored, posted in ((RunStep.objects.get(), step), (Message.objects.get(), message)):
        assert stored.created_at <= timezone.now()
        assert json.loads(stored.as_json()) == posted


def test_questions_about_time_ignore_posted_time(project: Project) -> None:
    recent = [run_object(created_at=now_seconds() - 60 * minutes) for minutes in range(1, 4)]
    post(project, run_object(id="run_2106", created_at=FAR_FUTURE))
    Run.objects.update(created_at=timezone.now() - timedelta(days=3))
    post(project, *recent)
    for query in ("created:>-1h", "created:-1h"):
        found = RunFilters.parse_query_text(query).apply(Run.objects.in_project(project))
        assert {run.external_id for run in found} == {posted["id"] for posted in recent}
    newest = Run.objects.in_project(project).newest_first()
    assert newest.last() == Run.objects.get(external_id="run_2106")


def test_api_warns_and_pages_mark_the_run(project: Project, member_client: Client) -> None:
    client = ApiClient.for_project(project, "ingest")
    posted = run_object(id="run_2106", created_at=FAR_FUTURE)
    answer = client.post(posted).json()
    assert (answer["outcome"], answer["warnings"][0]["path"]) == ("created", "/created_at")
    assert answer["warnings"][0]["message"].startswith("2106-02-07 06:28:15 UTC is not plausible: expected a time in")
    batch = client.post([posted, run_object()]).json()
    assert [warning["index"] for warning in batch["warnings"]] == [0]
    assert "warnings" not in client.post(run_object()).json()
    event = {"event": "thread.run.completed", "data": posted}
    assert client.post(event, "/api/v1/events").json()["warnings"][0]["path"] == "/data/created_at"
    assert client.get(f"{RUNS}/run_2106").status_code == 403
    assert "not plausible" in Page(member_client.get("/p/default/runs/run_2106/")).main.text
    row: Any = member_client.get("/p/default/runs/").content.decode()
    assert row.count("is not plausible") == 1
