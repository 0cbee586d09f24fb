"""Threads and comparisons in a browser: links between them, loading of pages, and accessibility."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from dashboard.pages.threads import conversation, views
from runs.models import Project
from tests import factories
from tests.browser.conftest import WIDTHS, assert_accessible

pytestmark = pytest.mark.django_db(transaction=True)

LONG = "w" * 300
ANSWER = "It is **on its way**:\n\n1. packed\n2. shipped\n\n```\nA-48209\n```"
POLICY = "You help people.\n1. Search the order.\n2. Read the policy for the product line and country.\n3. Answer."


@pytest.fixture
def thread(demo_project: Project) -> Project:
    """A thread with messages, and with runs that differ in many fields."""
    now = factories.NOW
    base = {"thread_id": "thread_talk", "metadata": {"ticket": "1", "release": "2026.11.1"}}
    good = factories.run_object(
        id="run_good", created_at=now, started_at=now + 1, completed_at=now + 12, instructions=POLICY,
        tools=[factories.function_tool("search"), factories.function_tool("refund", **{LONG: {"type": "string"}})],
        **base,
    )  # fmt: skip
    bad = factories.failed_run(
        "rate_limit_exceeded", f"Rate limit reached. {LONG}", id="run_bad", created_at=now + 300, started_at=now + 301,
        failed_at=now + 343, instructions=POLICY.replace(" for the product line and country", ""), temperature=0.2,
        tools=[factories.function_tool("search", order={"type": "integer"})], thread_id="thread_talk",
        metadata={"ticket": LONG},
    )  # fmt: skip
    waiting = factories.waiting_run("refund", id="run_last", created_at=now + 400, thread_id="thread_talk")
    assert not factories.post(demo_project, good, bad, waiting).errors
    factories.post_steps(demo_project, factories.step_object(good, factories.function_call("search")))
    factories.post_messages(
        demo_project,
        factories.message_object(None, f"Where is my order? {LONG}", thread_id="thread_talk", created_at=now),
        factories.message_object(good, ANSWER, created_at=now + 11),
    )
    return demo_project


def test_links_lead_from_list_to_comparison(signed_in: Page, live_server: Any, thread: Project) -> None:
    signed_in.get_by_role("navigation", name="Main", exact=True).get_by_role("link", name="Threads").click()
    signed_in.locator("#rows a[title='thread_talk']").click()
    expect(signed_in.locator("#entries > li")).to_have_count(5)
    signed_in.locator(".note a", has_text="run_bad").click()
    signed_in.locator("#compare-with summary").click()
    signed_in.get_by_role("link", name="Last successful run").click()
    expect(signed_in.locator("#instructions del b")).to_have_text(" for the product line and country")
    signed_in.get_by_role("link", name="Swap A and B").click()
    expect(signed_in.locator("#instructions ins b")).to_have_text(" for the product line and country")


def test_next_pages_are_appended(
    signed_in: Page, live_server: Any, thread: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversation, "PAGE_SIZE", 2)
    monkeypatch.setattr(views, "THREADS_PER_PAGE", 1)
    signed_in.goto(f"{live_server.url}/p/default/threads/thread_talk/")
    entries = signed_in.locator("#entries > li")
    for count in (2, 4, 5):
        expect(entries).to_have_count(count)
        if count < 5:
            signed_in.locator("#more a").click()
    expect(signed_in.locator("#more")).to_contain_text("End of the thread.")
    signed_in.goto(f"{live_server.url}/p/default/threads/")
    expect(signed_in.locator("#rows > tr")).to_have_count(1)
    signed_in.locator("#more a").click()
    expect(signed_in.locator("#rows > tr")).to_have_count(2)


def test_threads_can_be_filtered(signed_in: Page, live_server: Any, thread: Project) -> None:
    signed_in.goto(f"{live_server.url}/p/default/threads/")
    signed_in.locator("label[data-status=requires_action]").click()
    signed_in.get_by_role("button", name="Search").click()
    signed_in.wait_for_url("**status=requires_action**")
    expect(signed_in.locator("#rows")).to_contain_text("thread_talk")
    signed_in.get_by_role("link", name="Clear filters").click()
    expect(signed_in.locator("#rows > tr")).to_have_count(2)


@pytest.mark.parametrize("width", WIDTHS)
def test_pages_are_accessible(signed_in: Page, live_server: Any, thread: Project, width: int) -> None:
    signed_in.set_viewport_size({"width": width, "height": 900})
    for path in (
        "threads/",
        "threads/?status=failed&model=gpt-4o-mini",
        "threads/?model=none-such",
        "threads/thread_talk/",
        "compare/",
        "compare/?right=run_bad",
        "compare/?left=run_good&right=run_bad",
        "compare/?left=run_good&right=run_bad&show=all",
        "compare/?left=run_good&right=run_good",
    ):
        signed_in.goto(f"{live_server.url}/p/default/{path}")
        assert_accessible(signed_in)
        overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert signed_in.evaluate(overflow) <= 0, path
