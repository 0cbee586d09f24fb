"""The assistants pages in a browser: navigation, comparison, renaming, accessibility."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from runs.models import Project
from tests import factories
from tests.browser.conftest import WIDTHS, assert_accessible
from tests.runs.analytics import version_change
from tests.runs.analytics.version_change import ASSISTANT, CHANGED, HOUR

pytestmark = pytest.mark.django_db(transaction=True)

LONG = "w" * 200


@pytest.fixture
def changed_project(demo_project: Project) -> Project:
    """An assistant with three versions, of which the last one failed, and long texts in everything."""
    version_change.fill(demo_project)
    tools = [factories.function_tool(LONG), factories.function_tool("search_orders", order={"type": "integer"})]
    last = [
        version_change.run(
            f"run_last_{n}", CHANGED + (20 + n) * HOUR, 9, f"{LONG}\n{n // 100}", 1, 1, tools=tools, model=LONG
        )
        for n in range(8)
    ]
    assert not factories.post(demo_project, *(each | version_change.failed(each) for each in last)).errors
    return demo_project


def test_versions_are_compared_and_assistant_renamed(
    signed_in: Page, live_server: Any, changed_project: Project
) -> None:
    signed_in.keyboard.press("g")
    signed_in.keyboard.press("a")
    signed_in.get_by_role("link", name="Runs", exact=True).last.click()
    expect(signed_in).to_have_url(f"{live_server.url}/p/default/assistants/?sort=runs")
    signed_in.locator(f"a[title='{ASSISTANT}']").click()
    expect(signed_in.locator("#comparison-title")).to_have_text("v3 compared with v2")
    signed_in.get_by_role("navigation", name="Versions").get_by_role("link", name="v2").click()
    expect(signed_in.locator("#comparison-title")).to_have_text("v2 compared with v1")
    expect(signed_in.get_by_role("region", name="Changes", exact=True).locator("ins b")).to_have_text(" of the country")
    signed_in.go_back()
    expect(signed_in.locator("#comparison-title")).to_have_text("v3 compared with v2")
    signed_in.get_by_label("Compare with").select_option("v1")
    signed_in.get_by_role("button", name="Compare").click()
    expect(signed_in.locator("#comparison-title")).to_have_text("v3 compared with v1")
    signed_in.get_by_text("Add name").click()
    signed_in.get_by_label("Name", exact=True).fill("Returns desk")
    signed_in.get_by_role("button", name="Save name").click()
    expect(signed_in.get_by_role("heading", level=1)).to_have_text("Returns desk")


@pytest.mark.parametrize("width", WIDTHS)
def test_pages_are_accessible(signed_in: Page, live_server: Any, changed_project: Project, width: int) -> None:
    signed_in.set_viewport_size({"width": width, "height": 900})
    for path in ("", f"{ASSISTANT}/"):
        signed_in.goto(f"{live_server.url}/p/default/assistants/{path}")
        assert_accessible(signed_in)
        assert signed_in.evaluate("document.documentElement.scrollWidth") <= width
