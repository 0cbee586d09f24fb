"""The query field in the browser: tokens, completions, recent searches, mistakes and the syntax."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import WIDTHS, assert_accessible


def test_backspace_edits_then_deletes_last_token(signed_in: Page) -> None:
    field, tokens = signed_in.locator("#q"), signed_in.locator("#q-form .tok")
    field.fill("status:failed metadata.customer:acme")
    field.press("Enter")
    expect(tokens).to_have_text(["status:failed", "metadata.customer:acme"])
    field.press("Backspace")
    expect(field).to_have_value("metadata.customer:acme")
    expect(tokens).to_have_text(["status:failed"])
    field.press("Backspace")
    expect(field).to_have_value("")
    field.press("Backspace")
    expect(field).to_have_value("status:failed")
    field.press("End")
    field.type(",completed")
    field.press("Enter")
    expect(tokens).to_have_text(["status:failed", "status:completed"])
    signed_in.wait_for_url("**/runs/?status=failed&status=completed")
    tokens.first.locator("span").click()
    expect(field).to_have_value("status:failed")
    expect(signed_in.locator("#related-facets form")).to_be_visible()  # facets that come later would be cut off


def test_recent_searches_are_offered(signed_in: Page, live_server: Any) -> None:
    field, options = signed_in.locator("#q"), signed_in.locator("#suggestions > li")
    signed_in.goto(f"{live_server.url}/p/default/errors/?q=error:rate_limit_exceeded")
    signed_in.goto(f"{live_server.url}/p/default/usage/?q=model:o3")
    signed_in.goto(f"{live_server.url}/p/default/errors/?q=model:o3")
    field.click()
    expect(options.first).to_have_text("error:rate_limit_exceeded Recent search")
    assert_accessible(signed_in)
    field.press("ArrowDown")
    field.press("Enter")
    expect(signed_in.locator("#q-form .tok")).to_have_text(["error:rate_limit_exceeded"])


def test_completions_count_the_page_and_its_tokens(signed_in: Page, live_server: Any) -> None:
    options = signed_in.locator("#suggestions > li")
    signed_in.goto(f"{live_server.url}/p/default/errors/?from=1970-01-01")
    signed_in.locator("#q").type("status:")
    expect(options).to_contain_text(["failed 1 run"])
    signed_in.goto(f"{live_server.url}/p/default/runs/?q=id:run_odd")
    signed_in.locator("#q").type("status:")
    expect(options).to_contain_text(["paused_by_vendor 1 run"])
    expect(options.filter(has_text="1 run")).to_have_count(1)


@pytest.mark.parametrize("name", ["runs", "errors"])
@pytest.mark.parametrize("width", WIDTHS)
def test_mistake_is_selected_and_corrected(
    signed_in: Page, live_server: Any, console: list[str], name: str, width: int
) -> None:
    field, tokens = signed_in.locator("#q"), signed_in.locator("#q-form .tok")
    signed_in.set_viewport_size({"width": width, "height": 900})
    signed_in.goto(f"{live_server.url}/p/default/{name}/?q=model:*")
    field.fill("💥 stauts:failed")
    field.press("Enter")
    expect(signed_in.get_by_role("alert")).to_contain_text("did you mean 'status'?")
    expect(field).to_have_value("💥 stauts:failed")
    expect(field).to_be_focused()
    assert field.evaluate("(input) => input.value.slice(input.selectionStart, input.selectionEnd)") == "stauts"
    assert_accessible(signed_in)
    signed_in.get_by_role("link", name="Search 💥 status:failed").click()
    expect(tokens).to_have_text(["status:failed", "model:*", "💥"])
    assert all("42" in message or "400" in message for message in console)
    console.clear()


@pytest.mark.parametrize("width", WIDTHS)
def test_syntax_is_shown_in_place(signed_in: Page, width: int) -> None:
    signed_in.set_viewport_size({"width": width, "height": 900})
    signed_in.get_by_role("link", name="Query syntax").click()
    dialog = signed_in.get_by_role("dialog", name="Query syntax")
    expect(dialog.get_by_role("link", name="error:*", exact=True).first).to_be_visible()
    assert dialog.evaluate("(dialog) => dialog.scrollWidth <= dialog.clientWidth")
    assert_accessible(signed_in)
    dialog.get_by_role("link", name="error:*", exact=True).first.click()
    expect(dialog).to_be_hidden()
    expect(signed_in.locator("#q")).to_have_value("error:*")
    expect(signed_in.locator("#q")).to_be_focused()
