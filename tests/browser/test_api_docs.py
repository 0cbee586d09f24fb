"""The API reference in a browser: accessible, in the themes of the product, and without scripts."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import WIDTHS, assert_accessible


@pytest.mark.parametrize("width", WIDTHS)
def test_reference_is_accessible(
    page: Page, live_server: Any, transactional_db: None, console: list[str], width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(f"{live_server.url}/api/v1/docs")
    expect(page.get_by_role("heading", name="Post runs")).to_be_attached()
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
    # Sections of a kind are alike: a few of each are checked, since axe takes a minute for all.
    page.evaluate("document.querySelectorAll('.main .sect .sect:nth-of-type(n + 2)').forEach((each) => each.remove())")
    assert_accessible(page)
    page.emulate_media(color_scheme="dark")
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.goto(f"{live_server.url}/login/")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == background
