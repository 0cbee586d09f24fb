"""The page of a run with more steps, messages or posts than it reads."""

from __future__ import annotations

from unittest.mock import Mock

import pytest
from django.test import Client

from dashboard.pages.run import history, sections, steps
from runs.analytics import run_steps
from runs.models import Project
from tests import factories
from tests.dashboard.pages.run.run_pages import open_run, post_run_with_steps

READ, COUNT = 12, 40


@pytest.fixture(autouse=True)
def small_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_steps, "MAX_OPENING_STEPS", READ)
    monkeypatch.setattr(run_steps, "LAST_STEPS", 1)
    monkeypatch.setattr(sections, "MAX_STEPS_COUNTED", READ)
    monkeypatch.setattr(steps, "MAX_MESSAGES_READ", 3)
    monkeypatch.setattr(history, "MAX_POSTS", 4)


@pytest.mark.parametrize(("query", "read_count"), [("", 2), ("?full=tools", READ + 1), ("?full=errors", READ + 1)])
def test_all_steps_are_drawn_but_few_read(
    project: Project, member_client: Client, monkeypatch: pytest.MonkeyPatch, query: str, read_count: int
) -> None:
    run = post_run_with_steps(project, COUNT)
    parse = Mock(wraps=steps.parse_tool_call)
    monkeypatch.setattr(steps, "parse_tool_call", parse)
    page = open_run(member_client, run, query)

    assert f"{COUNT} steps, {COUNT} tool calls" in page.region("Timeline").text
    assert len(page.region("Timeline").find_all("treeitem")) == COUNT
    assert parse.call_count == read_count


@pytest.mark.parametrize(
    ("section", "link"),
    [
        ("tools", "Show the tools and their calls"),
        ("errors", "Look for errors in all tool outputs"),
    ],
)
def test_section_of_all_steps_is_fetched_on_reveal(
    project: Project, member_client: Client, section: str, link: str
) -> None:
    run = post_run_with_steps(project, COUNT)
    shown = open_run(member_client, run).region(section.title()).link(link)
    assert "intersect" in (shown.get("hx-trigger") or "")
    assert shown.url == f"?full={section}#{section}"

    fetched = open_run(member_client, run, f"?full={section}", section)
    assert not fetched.has("main")
    assert not fetched.has("link", link)
    assert f"Of {COUNT} steps, {READ + 1} are counted here" in fetched.text


def test_usual_run_has_no_note(project: Project, member_client: Client) -> None:
    page = open_run(member_client, post_run_with_steps(project, READ))

    assert f"{READ} steps" in page.region("Timeline").text
    assert "are counted here" not in page.text


@pytest.mark.parametrize("target", ["", "row-35"])
def test_any_step_can_be_opened(project: Project, member_client: Client, target: str) -> None:
    run = factories.run_object()
    factories.post(project, run)
    calls = [factories.function_call("a", output=f'"output {n}"') for n in range(1, COUNT + 1)]
    factories.post_steps(project, *(factories.step_object(run, call) for call in calls))

    page = open_run(member_client, run, "?full=row-35", target)
    assert "output 35" in page.text
    assert "output 34" not in page.text


def test_only_first_messages_are_read(project: Project, member_client: Client) -> None:
    run = factories.run_object()
    factories.post(project, run)
    factories.post_messages(
        project, *(factories.message_object(run, f"Answer {n}.", role="assistant", run_id=run["id"]) for n in range(8))
    )

    text = open_run(member_client, run).region("Overview").text
    assert "Answer 2." in text
    assert "Answer 3." not in text
    assert "5 more answers are in the thread" in text


def test_only_newest_posts_are_listed(project: Project, member_client: Client) -> None:
    run = factories.run_object()
    for n in range(10):
        factories.post(project, run | {"metadata": {"n": str(n)}})

    page = open_run(member_client, run)
    assert "6 earlier posts are in the API's history of this run" in page.region("History").text
    assert "History 10" in page.navigation("Sections").text
    assert "Diff of version 9 and 8" in page.region("History").text
    assert "Diff of version 6" not in page.region("History").text


def test_versions_that_are_not_listed_can_be_compared(project: Project, member_client: Client) -> None:
    run = factories.run_object()
    for n in range(10):
        factories.post(project, run | {"metadata": {"n": f"value {n}"}})

    text = open_run(member_client, run, "?from=1&to=2").region("History").text
    assert "value 1" in text
    assert "value 2" in text
    assert "value 3" not in text
