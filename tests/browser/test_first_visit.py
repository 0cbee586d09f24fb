"""Tests of a first visit in a browser: login, list, filters, detail."""

from __future__ import annotations

import time
from typing import Any

import pytest
from playwright.sync_api import Dialog, Page, expect

from runs.models import Project
from tests import factories
from tests.browser.conftest import WIDTHS, assert_accessible
from tests.runs.api.api_client import ApiClient

pytestmark = pytest.mark.django_db(transaction=True)


def log_in(page: Page, url: str) -> None:
    page.goto(url)
    page.get_by_label("User name").fill("mira")
    page.get_by_label("Password").fill(factories.PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def test_login_leads_to_a_failed_run(page: Page, live_server: Any, demo_project: Project, console: list[str]) -> None:
    log_in(page, f"{live_server.url}/")
    page.wait_for_url("**/p/default/runs/**")
    page.locator("label", has_text="Failed").first.click()
    page.wait_for_url("**status=failed**")
    rows = page.locator("#rows > tr")
    expect(rows).to_have_count(1)
    expect(rows.first).to_contain_text("rate_limit_exceeded")
    rows.first.locator("a.id").click()
    expect(page.locator("h1")).to_contain_text("run_failed")
    expect(page.locator("#timeline")).to_contain_text("search_orders")
    assert_accessible(page)


def test_older_runs_are_appended(many_runs: None, signed_in: Page) -> None:
    rows = signed_in.locator("#rows > tr")
    expect(rows).to_have_count(50)
    signed_in.locator("#more a").click()
    expect(rows).to_have_count(63)


@pytest.mark.parametrize("width", WIDTHS)
def test_pages_are_accessible(signed_in: Page, live_server: Any, width: int) -> None:
    signed_in.set_viewport_size({"width": width, "height": 900})
    for path in (
        "runs/",
        "runs/?status=failed",
        "runs/?model=none-such",
        "runs/run_waiting/",
        "runs/run_odd/",
        "connect/",
    ):
        signed_in.goto(f"{live_server.url}/p/default/{path}")
        assert_accessible(signed_in)
        overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert signed_in.evaluate(overflow) <= 0, path


def test_login_page_is_accessible(page: Page, live_server: Any, console: list[str]) -> None:
    page.goto(f"{live_server.url}/login/")
    assert_accessible(page)


def test_connect_links_to_the_first_run(
    page: Page, live_server: Any, console: list[str], transactional_db: None
) -> None:
    project = factories.make_project()
    factories.make_user(project, name="mira")
    log_in(page, f"{live_server.url}/p/default/connect/")
    page.wait_for_url("**/connect/")
    factories.post_run(project, id="run_the_first")
    page.locator("a[href$='/runs/run_the_first/']").click(timeout=8000)
    expect(page.locator("h1")).to_contain_text("run_the_first")


def test_active_run_is_updated_until_it_ends(signed_in: Page, live_server: Any, demo_project: Project) -> None:
    now = int(time.time())
    posted = factories.waiting_run(id="run_live", created_at=now, started_at=now, expires_at=now + 600)
    factories.post(demo_project, posted)
    signed_in.goto(f"{live_server.url}/p/default/runs/run_live/")
    expect(signed_in.locator("#run-header h1")).to_contain_text("Requires action")
    completed_fields = {"status": "completed", "required_action": None, "completed_at": now + 30}
    assert not factories.post(demo_project, posted | completed_fields).errors
    expect(signed_in.locator("#run-header h1")).to_contain_text("Completed", timeout=8000)
    expect(signed_in.locator("#run-header[hx-trigger]")).to_have_count(0)


def test_scripts_are_shown_as_text(signed_in: Page, live_server: Any, demo_project: Project) -> None:
    attack = "<img src=x onerror=alert(1)><script>alert(1)</script>"
    dialogs: list[str] = []

    def dismiss(dialog: Dialog) -> None:
        dialogs.append(dialog.message)
        dialog.dismiss()

    signed_in.on("dialog", dismiss)
    attacking_id = "run_<img src=x onerror=alert(1)><script>alert(1)"  # ids have no slash
    hostile = factories.failed_run(
        code=attack, message=attack, id=attacking_id, model=attack, instructions=attack, thread_id=attacking_id,
        metadata={attack: attack}, tools=[factories.function_tool(attack)], status_note=attack,
    )  # fmt: skip
    factories.post(demo_project, hostile)
    factories.post_steps(demo_project, factories.step_object(hostile, factories.function_call(attack, attack, attack)))
    signed_in.goto(f"{live_server.url}/p/default/runs/")
    signed_in.locator("#rows > tr", has_text="onerror").locator("a.id").click()
    expect(signed_in.locator("h1")).to_contain_text("<script>")
    assert dialogs == []


def test_filters_work_without_javascript(browser: Any, live_server: Any, many_runs: None) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    log_in(page, f"{live_server.url}/p/default/runs/")
    page.locator("label", has_text="Failed").first.click()
    page.get_by_role("button", name="Search").click()
    expect(page.locator("#rows > tr")).to_have_count(1)
    page.goto(f"{live_server.url}/p/default/runs/")
    page.locator("#more a").click()
    expect(page.locator("#rows > tr")).to_have_count(13)
    context.close()


def test_signing_out_leaves_nothing_to_read(signed_in: Page, live_server: Any) -> None:
    signed_in.locator("label", has_text="Failed").first.click()
    signed_in.wait_for_url("**status=failed**")
    signed_in.locator("#rows a.id").first.click()
    expect(signed_in.locator("h1")).to_contain_text("run_failed")
    signed_in.locator("summary", has_text="Account").click()
    signed_in.get_by_role("button", name="Sign out").click()
    expect(signed_in.get_by_label("Password")).to_be_visible()
    assert "run" not in signed_in.evaluate("JSON.stringify(sessionStorage)")
    for _ in range(3):
        signed_in.go_back()
        expect(signed_in.get_by_label("Password")).to_be_visible()
        assert "run_failed" not in signed_in.locator("main").inner_text()
        assert "htmx-history-cache" not in signed_in.evaluate("JSON.stringify(sessionStorage)")


def test_refused_post_appears_while_waiting(signed_in: Page, live_server: Any, demo_project: Project) -> None:
    signed_in.goto(f"{live_server.url}/p/default/connect/")
    refusals = signed_in.get_by_role("region", name="Refused requests", exact=True)
    expect(refusals).to_contain_text("None in the last 7 days")
    ApiClient.for_project(demo_project).post(factories.run_object(created_at="soon"))
    expect(refusals.get_by_role("row", name="/created_at: expected")).to_be_visible(timeout=9000)
    assert_accessible(signed_in)
