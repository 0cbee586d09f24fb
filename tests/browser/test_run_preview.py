"""Browser tests of the preview of a run beside the list: by keyboard, by mouse and by touch."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from runs.models import Project, User
from tests.browser.conftest import assert_accessible, sign_in

pytestmark = pytest.mark.django_db(transaction=True)


def peek(page: Page) -> Locator:
    return page.get_by_role("complementary", name="Preview of")


def row(page: Page, run_id: str) -> Locator:
    return page.locator("#rows > tr", has=page.locator(f"a[title={run_id}]"))


def current_id(page: Page) -> str:
    return page.locator("#rows > [aria-current] a.id").get_attribute("title") or ""


def test_preview_goes_on_by_keyboard(signed_in: Page) -> None:
    keyboard = signed_in.keyboard
    before = signed_in.url
    keyboard.press("j")
    keyboard.press("Space")
    first = current_id(signed_in)
    expect(peek(signed_in)).to_contain_text(first)
    expect(peek(signed_in)).to_be_focused()
    expect(signed_in).to_have_url(f"{before}?peek={first}")
    expect(peek(signed_in).get_by_role("heading", name="Timeline")).to_be_visible()
    assert_accessible(signed_in)
    keyboard.press("j")
    second = current_id(signed_in)
    assert second != first
    expect(peek(signed_in).locator("#run-header")).to_contain_text(second)
    signed_in.reload()
    expect(peek(signed_in).locator("#run-header")).to_contain_text(second)
    assert current_id(signed_in) == second
    signed_in.go_back()
    expect(peek(signed_in)).to_be_hidden()
    expect(signed_in).to_have_url(before)
    signed_in.go_forward()
    expect(peek(signed_in).locator("#run-header")).to_contain_text(second)
    keyboard.press("Escape")
    expect(peek(signed_in)).to_be_hidden()
    expect(signed_in).to_have_url(before)
    keyboard.press("Space")
    expect(peek(signed_in)).to_be_visible()
    keyboard.press("Enter")
    signed_in.wait_for_url(f"**/runs/{second}/**")


def test_click_in_the_margin_opens_the_preview(signed_in: Page) -> None:
    before = signed_in.url
    button = row(signed_in, "run_failed").get_by_role("button", name="Preview")
    button.click()
    expect(peek(signed_in).locator("#run-header")).to_contain_text("Rate limit reached")
    expect(row(signed_in, "run_failed").get_by_role("checkbox")).not_to_be_checked()
    signed_in.get_by_role("button", name="Next").click()
    expect(peek(signed_in).locator("#run-header")).not_to_contain_text("Rate limit reached")
    # other filters keep it open
    signed_in.locator("#statuses label", has_text="Failed").click()
    signed_in.wait_for_url("**status=failed&peek=**")
    expect(peek(signed_in)).to_be_visible()
    peek(signed_in).get_by_role("button", name="Close").click()
    expect(peek(signed_in)).to_be_hidden()
    assert signed_in.url == f"{before}?status=failed"


def test_preview_covers_a_phone(browser: Browser, live_server: Any, demo_project: Project) -> None:
    context = browser.new_context(has_touch=True, viewport={"width": 375, "height": 800})
    page = context.new_page()
    sign_in(page, live_server.url, User.objects.get(username="mira"))
    page.goto(f"{live_server.url}/p/default/runs/")
    row(page, "run_waiting").get_by_role("button", name="Preview").tap()
    expect(peek(page).locator("#run-header")).to_contain_text("run_waiting")
    assert peek(page).bounding_box() == {"x": 0, "y": 0, "width": 375, "height": 800}
    assert page.evaluate("document.documentElement.scrollWidth") == 375
    expect(page.locator("header.top")).to_have_attribute("inert", "")
    assert_accessible(page)
    peek(page).get_by_role("button", name="Close").tap()
    expect(page.locator("header.top")).not_to_have_attribute("inert", "")
    row(page, "run_waiting").locator(".c-started").tap()
    page.wait_for_url("**/runs/run_waiting/**")
    context.close()


def test_selection_outlives_new_runs_and_escape_in_fields(signed_in: Page, many_runs: None) -> None:
    signed_in.reload()
    selected = signed_in.locator("#selected")
    signed_in.locator("#rows [type=checkbox]").nth(2).check()
    signed_in.locator("#rows [type=checkbox]").last.check()
    chosen = signed_in.locator("#rows tr:has(:checked) a.id").evaluate_all("links => links.map(link => link.title)")
    signed_in.locator(".tagger summary").click()
    signed_in.locator("#tag-names").fill("seen")
    signed_in.keyboard.press("Escape")
    expect(selected).to_have_text("2 selected")
    signed_in.get_by_role("columnheader", name="Tokens").get_by_role("link").click()
    signed_in.wait_for_url("**sort=-tokens**")
    expect(selected).to_contain_text("2 selected")
    signed_in.locator("#tag-names").focus()
    signed_in.keyboard.press("Enter")
    expect(signed_in.locator("#tagging")).to_contain_text("Added seen to 2 runs.")
    signed_in.goto(f"{signed_in.url.partition('?')[0]}?q=tag:seen")
    found = signed_in.locator("#rows a.id").evaluate_all("links => links.map(link => link.title)")
    assert sorted(found) == sorted(chosen)
    signed_in.locator("#rows [type=checkbox]").first.check()
    signed_in.locator("#statuses label", has_text="Completed").click()
    expect(signed_in.locator("#bulk")).to_be_hidden()  # other filters end the selection
