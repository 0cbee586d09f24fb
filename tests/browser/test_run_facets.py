"""Browser tests of the facets that load after the run list."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests import factories
from tests.browser.conftest import WIDTHS, assert_accessible


def test_facet_value_toggles_a_filter(signed_in: Page, demo_project: Any) -> None:
    factories.post(demo_project, factories.run_object(id="run_zenith", metadata={"customer": "zenith"}))
    signed_in.reload()
    signed_in.locator("#related-facets a", has_text="search_orders").first.click()
    expect(signed_in.locator("#rows tr")).to_have_count(1)
    assert "function%3Asearch_orders" in signed_in.url
    active = signed_in.locator("#related-facets a[aria-current]", has_text="search_orders")
    active.first.click()
    expect(signed_in.locator("#rows tr")).to_have_count(10)


def test_other_metadata_keys_are_searched(signed_in: Page, demo_project: Any) -> None:
    factories.post(demo_project, factories.run_object(id="run_zenith", metadata={"customer": "zenith"}))
    signed_in.reload()
    signed_in.get_by_label("Other metadata").fill("zen")
    signed_in.keyboard.press("Enter")
    signed_in.locator("#related-facets").get_by_role("link", name="zenith").click()
    expect(signed_in.locator("#rows tr")).to_have_count(1)


@pytest.mark.parametrize("width", WIDTHS)
def test_facets_page_is_accessible(signed_in: Page, live_server: Any, width: int) -> None:
    signed_in.set_viewport_size({"width": width, "height": 900})
    signed_in.goto(f"{live_server.url}/p/default/facets/")
    expect(signed_in.locator("#related-facets")).to_be_visible()
    assert_accessible(signed_in)
