"""Assistants in a real browser: from the list to a version against another, a name, and that both are accessible."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from runs.models import Project
from tests import factories
from tests.browser.conftest import assert_accessible
from tests.runs.analytics import version_change
from tests.runs.analytics.version_change import ASSISTANT, CHANGED, HOUR

pytestmark = pytest.mark.django_db(transaction=True)

LONG = "w" * 200


@pytest.fixture
def drifted(demo_project: Project) -> Project:
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


def test_from_the_list_to_what_a_change_did(signed_in: Page, live_server: Any, drifted: Project) -> None:
    signed_in.keyboard.press("g")
    signed_in.keyboard.press("a")
    signed_in.get_by_role("link", name="Runs", exact=True).last.click()
    expect(signed_in).to_have_url(f"{live_server.url}/p/default/assistants/?sort=runs")
    signed_in.locator(f"a[title='{ASSISTANT}']").click()
    expect(signed_in.locator("#against h2")).to_have_text("v3 against v2")
    signed_in.locator("#list").get_by_role("link", name="v2").click()
    expect(signed_in.locator("#against h2")).to_have_text("v2 against v1")
    expect(signed_in.locator("#changes ins b")).to_have_text(" of the country")
    signed_in.go_back()
    expect(signed_in.locator("#against h2")).to_have_text("v3 against v2")
    signed_in.get_by_label("Compare with").select_option("v1")
    signed_in.get_by_role("button", name="Compare").click()
    expect(signed_in.locator("#against h2")).to_have_text("v3 against v1")
    signed_in.get_by_text("Name it").click()
    signed_in.get_by_label("Name", exact=True).fill("Returns desk")
    signed_in.get_by_role("button", name="Save").click()
    expect(signed_in.get_by_role("heading", level=1)).to_have_text("Returns desk")


@pytest.mark.parametrize(("scheme", "width"), [("light", 1440), ("dark", 1440), ("light", 375)])
def test_both_pages_are_accessible(
    signed_in: Page, live_server: Any, drifted: Project, scheme: Any, width: int
) -> None:
    signed_in.emulate_media(color_scheme=scheme)
    signed_in.set_viewport_size({"width": width, "height": 900})
    for path in ("", f"{ASSISTANT}/"):
        signed_in.goto(f"{live_server.url}/p/default/assistants/{path}")
        assert_accessible(signed_in)
        assert signed_in.evaluate("document.documentElement.scrollWidth") <= width
