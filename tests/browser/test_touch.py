"""The pages by touch, on a phone: searching, previewing and reading runs, the palette, and triage."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from runs.models import Project, User
from tests import factories
from tests.browser.conftest import sign_in

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def phone(browser: Browser, live_server: Any, demo_project: Project) -> Iterator[Page]:
    """The run list on a phone; it has no mouse."""
    context = browser.new_context(has_touch=True, is_mobile=True, viewport={"width": 375, "height": 800})
    page = context.new_page()
    sign_in(page, live_server.url, User.objects.get(username="mira"))
    page.goto(f"{live_server.url}/p/default/runs/")
    yield page
    context.close()


def test_content_is_searched_and_its_run_opened(phone: Page, demo_project: Project) -> None:
    run = factories.run_object(id="run_lamp")
    factories.post(demo_project, run)
    assert not factories.post_messages(demo_project, factories.message_object(run, "Where is my lamp?")).errors
    phone.get_by_role("searchbox", name="Query").tap()
    phone.keyboard.type("said:lamp")
    phone.get_by_role("button", name="Search").tap()
    phone.wait_for_url("**said**")
    card = phone.locator(".runs tbody tr")
    expect(card).to_have_count(1)
    card.locator(".c-started").tap()
    phone.wait_for_url("**/runs/run_lamp/**")


def test_token_is_removed_by_tapping_it(phone: Page) -> None:
    phone.get_by_role("searchbox", name="Query").tap()
    phone.keyboard.type("status:failed")
    phone.get_by_role("button", name="Search").tap()
    expect(phone.locator(".runs tbody tr")).to_have_count(1)
    phone.get_by_role("link", name="Remove status:failed").tap()
    expect(phone.locator(".runs tbody tr")).to_have_count(9)


def test_run_is_opened_from_its_preview(phone: Page) -> None:
    phone.locator("tr", has_text="run_failed").get_by_role("button", name="Preview").tap()
    preview = phone.locator(".peek")
    expect(preview).to_contain_text("Rate limit reached")
    preview.get_by_role("link", name="Open run").tap()
    phone.wait_for_url("**/runs/run_failed/**")


def test_command_is_chosen_by_tapping(phone: Page) -> None:
    phone.locator("summary", has_text="Account").tap()
    phone.get_by_role("button", name="Command palette").tap()
    phone.get_by_role("listbox", name="Commands").get_by_role("option", name="Threads").tap()
    phone.wait_for_url("**/threads/")


def test_calls_of_a_step_are_opened(phone: Page, live_server: Any) -> None:
    phone.goto(f"{live_server.url}/p/default/runs/run_failed/")
    call = phone.get_by_role("treeitem", name="search_orders")
    output = call.locator("pre", has_text="orders").first
    was_visible = output.is_visible()
    call.locator("summary").first.tap()
    expect(output).to_be_visible(visible=not was_visible)


def test_error_group_is_resolved(phone: Page, live_server: Any) -> None:
    phone.goto(f"{live_server.url}/p/default/errors/")
    phone.locator("#rows .msg a").first.tap()
    phone.wait_for_url("**/errors/*-*/")
    phone.get_by_role("button", name="Resolve").tap()
    expect(phone.get_by_role("button", name="Reopen")).to_be_visible()
