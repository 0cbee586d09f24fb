"""The header of the run page: status and reason, facts, lifecycle, neighbours in the thread, and polling."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from django.test import Client

from dashboard.pages.run import header
from runs.models import Project, Run
from tests import factories
from tests.dashboard.pages.run.run_pages import htmx_headers, open_run, run_url
from tests.pages import Page


def header_text(client: Client, posted: dict[str, Any]) -> str:
    return open_run(client, posted).region("Status").text


def test_failed_run_shows_its_error(project: Project, member_client: Client) -> None:
    run = factories.failed_run("rate_limit_exceeded", "Rate limit reached: 450000 a minute.")
    factories.post(project, run)
    text = header_text(member_client, run)
    assert "Failed" in text
    assert "rate_limit_exceeded Rate limit reached: 450000 a minute." in text


def test_waiting_run_names_pending_calls_and_expiry(project: Project, member_client: Client) -> None:
    now = int(time.time())
    moments = {"created_at": now - 61, "started_at": now - 60, "expires_at": now + 540}
    run = factories.waiting_run("issue_refund", "create_label", **moments)
    factories.post(project, run)
    text = header_text(member_client, run)
    assert "Waiting for the outputs of 2 tool calls: issue_refund, create_label, for at most 1 min" in text
    assert "Expires in 8 min" in text or "Expires in 9 min" in text


def test_step_tells_exact_waiting_time(project: Project, member_client: Client) -> None:
    now = int(time.time())
    run = factories.waiting_run(created_at=now - 300, started_at=now - 299, expires_at=now + 300)
    call = factories.function_call("issue_refund", output=None)
    step = factories.step_object(run, call, status="in_progress", created_at=now - 125, completed_at=None)
    factories.post(project, run)
    factories.post_steps(project, step)
    assert "for 2 min 0" in header_text(member_client, run)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"status": "incomplete", "max_prompt_tokens": 4000,
          "incomplete_details": {"reason": "max_prompt_tokens"}},
         "max_prompt_tokens The run stopped at its limit of 4,000 tokens."),
        ({"status": "incomplete", "incomplete_details": {"reason": "content_filter"}}, "content_filter"),
        ({"status": "incomplete", "incomplete_details": None}, "Ended early; no reason was sent."),
        ({"status": "failed", "failed_at": factories.NOW}, "No reason was sent with the failure."),
        ({"status": "failed", "last_error": {"code": None, "message": "Boom"}}, "No error code. Boom"),
        ({"status": "expired", "expires_at": factories.NOW + 600}, ": expired at 18 Nov 2026, 11:16:40 UTC"),
        ({"status": "expired", "started_at": None}, "Expired before it started."),
        ({"status": "cancelled", "cancelled_at": factories.NOW}, "Cancelled at 18 Nov 2026, 11:06:40 UTC"),
        ({"status": "cancelling"}, "Cancellation was requested but is not confirmed yet."),
        ({"status": "queued"}, "Waiting in the queue."),
        ({"status": "in_progress", "expires_at": 1}, "Expiry passed at 1 Jan 1970"),
        ({"status": "on_hold"}, "on_hold"),
        ({"status": "on_hold"}, "Unrecognised status, shown as received."),
        ({"status": "completed", "completed_at": None}, "Completed at an unknown time"),
        ({"status": "requires_action", "required_action": None}, "Waiting for an unspecified action, for"),
        ({"status": "requires_action", "required_action": {"type": "other"}}, "Waiting for other"),
    ],
)  # fmt: skip
def test_every_status_has_a_sentence(
    project: Project, member_client: Client, changes: dict[str, Any], sentence: str
) -> None:
    run = factories.run_object(**changes)
    assert not factories.post(project, run).errors
    assert sentence in header_text(member_client, run)


def test_header_shows_facts_and_lifecycle(project: Project, member_client: Client) -> None:
    moments = {"created_at": factories.NOW, "started_at": factories.NOW + 1, "completed_at": factories.NOW + 8}
    run = factories.run_object(**moments, tools=[])
    factories.post(project, run)
    status = open_run(member_client, run).region("Status")
    assert status.definition("Model").text == "gpt-4o-mini"
    assert status.definition("Duration").text == "8 s"
    assert status.definition("Tokens").text == "150 120 in, 30 out"
    assert status.definition("Created").find("time").get("datetime") == "2026-11-18T11:06:40Z"
    assert status.definition("Assistant").link().url == "/p/default/assistants/asst_concierge/"
    assert status.definition("Thread").link().url == "/p/default/threads/thread_first/"
    lifecycle = status.find("list", "Lifecycle").text
    assert "Queued 1 s" in lifecycle
    assert "In progress 7 s" in lifecycle


@pytest.mark.parametrize(
    ("changes", "started"),
    [
        ({"status": "completed", "started_at": None}, "not sent"),
        ({"status": "expired", "started_at": None}, "never"),
        ({"status": "queued", "started_at": None}, "not yet"),
    ],
)
def test_missing_start_is_named_by_status(
    project: Project, member_client: Client, changes: dict[str, Any], started: str
) -> None:
    run = factories.run_object(**changes)
    factories.post(project, run)
    assert open_run(member_client, run).region("Status").definition("Started").text == started


def test_first_start_comes_from_history_and_steps(project: Project, member_client: Client) -> None:
    at = factories.NOW
    ended = factories.run_object(created_at=at, started_at=at + 12, completed_at=at + 13)
    active = ended | {"completed_at": None, "usage": None}
    rounds = [factories.step_object(ended, factories.function_call("a"), created_at=at + begin, completed_at=at + end)
              for begin, end in ((1, 9), (9, 12))]  # fmt: skip
    factories.post_steps(project, *rounds, factories.step_object(ended, created_at=at + 12, completed_at=at + 13))
    factories.post(project, active | {"status": "queued", "started_at": None})
    factories.post(project, active | {"status": "in_progress", "started_at": at + 1})
    factories.post(project, active | {"status": "requires_action", "started_at": at + 1})
    factories.post(project, ended)
    for target in ("", "run-header"):
        status = open_run(member_client, ended, target=target).region("Status")
        lifecycle = status.find("list", "Lifecycle").text
        assert lifecycle.startswith("Queued 1 s from 11:06:40 Waiting for outputs 11 s from 11:06:41 In progress 1 s")
        assert status.definition("Started").find("time").get("datetime") == "2026-11-18T11:06:41Z"


def test_millisecond_timestamps_are_recognized(project: Project, member_client: Client) -> None:
    run = factories.run_object(
        created_at=1761861545123, started_at=1761861546123, completed_at=1761861549023, expires_at=None
    )
    factories.post(project, run)
    text = header_text(member_client, run)
    assert "Duration 3.9 s" in text
    assert "from 21:59:05.123" in text


def test_missing_model_is_shown_as_null(project: Project, member_client: Client) -> None:
    run = factories.run_object(model=None)
    factories.post(project, run)
    assert open_run(member_client, run).definition("Model").text == "null"


def test_assistant_is_shown_by_name(project: Project, member_client: Client) -> None:
    run = factories.run_object()
    factories.post(project, run)
    factories.post_assistants(project, asst_concierge="Front <desk>")
    assistant = open_run(member_client, run).definition("Assistant")
    assert assistant.text == "Front <desk>"
    assert [element.get("title") for element in assistant.iterate() if element.get("title")] == ["asst_concierge"]


def test_priced_run_shows_its_cost(project: Project, member_client: Client) -> None:
    usage = {
        "prompt_tokens": 14212, "completion_tokens": 1102, "total_tokens": 15314,
        "prompt_tokens_details": {"cached_tokens": 6144},
    }  # fmt: skip
    run = factories.run_object(model="gpt-4o-2024-08-06", usage=usage)
    factories.post(project, run)
    assert open_run(member_client, run).definition("Cost").text == "$0.0389 est."


def test_run_without_usage_has_no_cost(project: Project, member_client: Client) -> None:
    run = factories.failed_run()
    factories.post(project, run)
    assert not open_run(member_client, run).region("Status").has("term", "Cost")


def test_long_error_message_is_truncated(project: Project, member_client: Client) -> None:
    run = factories.failed_run("x", "m" * 9000 + "THE END")
    factories.post(project, run)
    text = header_text(member_client, run)
    assert "Show all 9,007 characters" in text
    assert "THE END" in text


def test_unknown_status_is_shown_as_received(project: Project, member_client: Client) -> None:
    run = factories.waiting_run(status="paused_by_vendor", required_action={"type": "ask_a_human", "who": "Ann"})
    factories.post(project, run)
    status = open_run(member_client, run).region("Status")
    assert "paused_by_vendor" in status.text
    assert status.get("hx-trigger") is None


# Neighbours in the thread


def test_neighbours_are_in_the_same_thread(project: Project, member_client: Client) -> None:
    posted = [factories.run_object(thread_id=thread, created_at=factories.NOW) for thread in "abaa"]
    factories.post(project, *posted)
    first, second, third = Run.objects.filter(thread_id="a").order_by("created_at", "id")

    def thread_navigation(run: Run) -> dict[str, str]:
        navigation = Page(member_client.get(run_url(run.external_id))).navigation("Runs in this thread")
        return {link.get("rel") or "": link.url for link in navigation.find_all("link")}

    assert thread_navigation(first) == {"next": run_url(second.external_id)}
    assert thread_navigation(second) == {"prev": run_url(first.external_id), "next": run_url(third.external_id)}
    assert thread_navigation(third) == {"prev": run_url(second.external_id)}


def test_thread_position_is_shown(project: Project, member_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = [factories.run_object(thread_id="thread_1", created_at=factories.NOW + n // 2) for n in range(5)]
    factories.post(project, *runs, factories.run_object(thread_id="thread_2"))
    ordered = [run.external_id for run in Run.objects.filter(thread_id="thread_1").order_by("created_at", "id")]

    def position(run_id: str) -> str:
        text = Page(member_client.get(run_url(run_id))).navigation("Runs in this thread").text
        return text.removeprefix("← Previous").removesuffix("Next →").strip()

    assert [position(run_id) for run_id in ordered] == [f"{number} of 5 in thread" for number in range(1, 6)]
    assert position(Run.objects.get(thread_id="thread_2").external_id) == "in thread"
    monkeypatch.setattr(header, "MAX_COUNTED_THREAD_RUNS", 4)
    assert position(ordered[0]) == "in thread"


# Polling


@pytest.fixture
def active_run(project: Project) -> dict[str, Any]:
    """A run in progress."""
    now = int(time.time())
    run = factories.run_object(status="in_progress", created_at=now - 5, started_at=now - 4, completed_at=None)
    factories.post(project, run)
    return run


def test_header_is_polled_until_run_ends(project: Project, active_run: dict[str, Any], member_client: Client) -> None:
    status = open_run(member_client, active_run).region("Status")
    assert status.get("hx-trigger") == "every 2s"
    poll_url = status.get("hx-get") or ""
    again = Page(member_client.get(poll_url, headers=htmx_headers("run-header"))).region("Status")
    assert again.get("hx-trigger") == "every 2s"
    assert not again.has("heading", "History")
    factories.post(project, active_run | {"status": "completed", "completed_at": active_run["created_at"] + 5})
    update = Page(member_client.get(poll_url, headers=htmx_headers("run-header")))
    ended = update.region("Status")
    assert ended.get("hx-trigger") is None


def test_update_of_a_page_agrees_with_itself(
    project: Project, active_run: dict[str, Any], member_client: Client
) -> None:
    poll_url = open_run(member_client, active_run).region("Status").get("hx-get") or ""
    error = {"code": "server_error", "message": "Broken."}
    at = active_run["created_at"]
    factories.post(project, active_run | {"status": "failed", "failed_at": at + 5, "last_error": error})
    factories.post_steps(project, factories.step_object(active_run, factories.function_call("a")))
    update = Page(member_client.get(poll_url, headers=htmx_headers("run-header")))
    assert update.title == f"Failed {active_run['id']} · Default · Runglass"
    assert "server_error" in update.region("Status").text
    assert "server_error" in update.region("Errors").text
    assert update.navigation("Sections").link(re.compile("Errors")).text == "Errors 1"
    assert update.navigation("Sections").link(re.compile("Timeline")).text == "Timeline 1 step"
    assert update.region("History").table("History").rows[-1]["Status"].text == "In progress → Failed"


def test_new_steps_update_the_page(project: Project, active_run: dict[str, Any], member_client: Client) -> None:
    poll_url = open_run(member_client, active_run).region("Status").get("hx-get") or ""
    step = factories.step_object(active_run, factories.function_call("a"), status="in_progress", completed_at=None)
    for posted in (step, step | {"status": "completed", "completed_at": active_run["created_at"] + 4}):
        factories.post_steps(project, posted)
        update = Page(member_client.get(poll_url, headers=htmx_headers("run-header")))
        assert update.has("heading", "Timeline")
        poll_url = update.region("Status").get("hx-get") or ""
    assert not Page(member_client.get(poll_url, headers=htmx_headers("run-header"))).has("heading", "Timeline")


def test_error_message_keeps_its_lines_and_folds(project: Project, member_client: Client) -> None:
    run = factories.failed_run("x", "\n".join(f"line {number}" for number in range(30)))
    factories.post(project, run)
    reason = open_run(member_client, run).region("Status")
    [shown] = [element for element in reason.iterate() if element.get("class") == "keep-lines"]
    assert (shown.text.count("line"), "Show all" in reason.text) == (8, True)


@pytest.mark.parametrize(
    ("posted", "first_sections"),
    [
        (factories.failed_run(), ["Errors", "Timeline"]),
        (factories.waiting_run(), ["Overview", "Timeline", "Errors"]),
        (factories.run_object(), ["Timeline", "Errors"]),
    ],
    ids=["failed", "waiting", "completed"],
)
def test_sections_are_ordered_by_status(
    project: Project, member_client: Client, posted: dict[str, Any], first_sections: list[str]
) -> None:
    factories.post(project, posted)
    page = open_run(member_client, posted)
    headings = [heading.text for heading in page.find_all("heading")]
    named = [heading for heading in headings if heading in ("Errors", "Overview", "Timeline")]
    links = [link.text.split()[0] for link in page.navigation("Sections").find_all("link")]
    assert named[: len(first_sections)] == links[: len(first_sections)] == first_sections


def test_abandoned_run_is_not_polled(project: Project, member_client: Client) -> None:
    run = factories.run_object(status="in_progress", completed_at=None)
    run["created_at"] = run["started_at"] = 1_700_000_000
    run["expires_at"] = 1_700_000_600
    factories.post(project, run)
    assert open_run(member_client, run).region("Status").get("hx-trigger") is None
