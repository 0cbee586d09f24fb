"""The page of one run in a browser: what is fetched on unfolding, and that all of it is accessible."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from runs.models import Project, User
from tests import factories
from tests.browser.conftest import assert_accessible, sign_in


@pytest.fixture
def long_run(demo_project: Project) -> dict[str, Any]:
    """A failed run with more steps than are drawn, a call that breaks its schema, two versions, and a change."""
    older = factories.run_object(instructions="Be brief.", model="gpt-4o")
    run = factories.run_object(id="run_long", status="in_progress", completed_at=None, usage=None, model="gpt-4o")
    usage = {"prompt_tokens": 1200, "completion_tokens": 300, "total_tokens": 1500}
    ended = factories.failed_run() | {
        name: run[name] for name in ("id", "created_at", "started_at", "thread_id", "model")
    }
    for posted in (older, run, ended | {"usage": usage}):
        assert not factories.post(demo_project, posted).errors
    calls = [factories.function_call("search_orders", output=f"output {number}") for number in range(40)]
    steps = [factories.step_object(run, call) for call in calls]
    wrong = factories.step_object(run, factories.function_call("search_orders", '{"order": 3}'))
    factories.post_steps(demo_project, *steps, wrong)
    return run


def opened(page: Page, live_server: Any, run: dict[str, Any], query: str = "") -> Page:
    sign_in(page, live_server.url, User.objects.get(username="mira"))
    page.goto(f"{live_server.url}/p/default/runs/{run['id']}/{query}")
    return page


def test_a_step_is_fetched_when_it_is_unfolded(
    page: Page, live_server: Any, long_run: dict[str, Any], console: list[str]
) -> None:
    opened(page, live_server, long_run)
    line = page.locator("#timeline li", has=page.locator("#row-20"))
    expect(page.get_by_text("output 19")).to_have_count(0)
    line.locator("summary").first.click()
    expect(line.locator("pre", has_text="output 19")).to_be_visible()
    page.get_by_text("Changed since the configuration of").click()
    expect(page.locator("#change del").first).to_be_visible()
    page.locator("#history").get_by_role("link", name="Diff").click()
    expect(page.locator("#versions")).to_contain_text("From version 0 to 1")
    page.locator("#timeline").get_by_role("link", name="more steps").click()
    expect(page.locator("#timeline summary .what")).to_have_count(41)


@pytest.mark.parametrize("width", [375, 1440])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_is_accessible(
    page: Page, live_server: Any, long_run: dict[str, Any], console: list[str], width: int, scheme: Any
) -> None:
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 900})
    opened(page, live_server, long_run, "?full=change&from=0&to=1")
    assert_accessible(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
