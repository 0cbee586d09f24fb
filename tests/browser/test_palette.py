"""The command palette in the browser."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import WIDTHS, assert_accessible


def test_pasted_id_opens_run_from_any_page(signed_in: Page, live_server: Any) -> None:
    signed_in.goto(f"{live_server.url}/p/default/usage/")
    signed_in.locator("#q").focus()
    signed_in.keyboard.press("Control+k")
    dialog = signed_in.get_by_role("dialog", name="Command palette")
    expect(dialog).to_be_visible()
    signed_in.keyboard.insert_text("run_failed")
    signed_in.keyboard.press("Enter")
    signed_in.wait_for_url("**/runs/run_failed/")
    signed_in.keyboard.press("Meta+k")
    expect(dialog).to_be_visible()
    signed_in.keyboard.press("Escape")
    expect(dialog).to_be_hidden()


@pytest.mark.parametrize("width", WIDTHS)
def test_commands_are_chosen_by_keyboard_and_mouse(signed_in: Page, width: int) -> None:
    signed_in.set_viewport_size({"width": width, "height": 800})
    signed_in.keyboard.press("Control+k")
    options = signed_in.get_by_role("listbox", name="Commands").get_by_role("option")
    expect(options.first).to_have_text("Runs Page")
    assert_accessible(signed_in)
    signed_in.keyboard.type("theme")
    expect(options.first).to_have_text("Use light theme Action")
    signed_in.keyboard.press("ArrowDown")
    expect(options.nth(1)).to_have_attribute("aria-selected", "true")
    expect(signed_in.locator("#palette-text")).to_have_attribute("aria-activedescendant", "command-1")
    signed_in.keyboard.press("Enter")
    expect(signed_in.locator("html")).to_have_attribute("data-theme", "dark")
    signed_in.keyboard.press("Control+k")
    options.filter(has_text="Threads").click()
    signed_in.wait_for_url("**/threads/")
