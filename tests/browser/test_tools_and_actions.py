"""Tests of the tool and action pages in a browser."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from runs.analytics import tool_samples
from runs.enrichment import step_validation
from runs.models import Project
from tests import factories
from tests.browser.conftest import WIDTHS, assert_accessible

pytestmark = pytest.mark.django_db(transaction=True)

LONG = "extract_clauses_from_scanned_supplier_agreement_with_annexes_and_schedules_of_every_kind_v2"


@pytest.fixture
def project_with_tools(demo_project: Project) -> Project:
    """A project with all kinds of calls, a tool with two versions, and a waiting run with long arguments."""
    first = [factories.function_tool("search_orders"), factories.function_tool(LONG)]
    second = [factories.function_tool("search_orders", order={"type": "integer"}), {"type": "file_search"}]
    many = [factories.function_tool(f"render_preview_{number:02}") for number in range(60)]
    old, new = factories.run_object(id="run_old", tools=first), factories.run_object(id="run_new", tools=second + many)
    waiting = factories.waiting_run(LONG, "issue_refund", id="run_long_wait")
    waiting["required_action"]["submit_tool_outputs"]["tool_calls"][0]["function"]["arguments"] = (
        '{"a": "' + "w" * 900 + '"}'
    )
    assert not factories.post(demo_project, old, new, waiting).errors
    factories.post_steps(
        demo_project,
        factories.step_object(
            old, factories.function_call("search_orders", output="z" * 300), factories.function_call(LONG)
        ),
        factories.step_object(new, factories.function_call("search_orders"), status="failed"),
    )
    step_validation.validate_next_steps(demo_project, None)
    return demo_project


def test_tool_is_found_and_its_calls_opened(
    signed_in: Page, live_server: Any, project_with_tools: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tool_samples, "MAX_INLINE_DETAILS_BYTES", 200)
    signed_in.keyboard.press("g")
    signed_in.keyboard.press("o")
    expect(signed_in.locator("#rows > tr")).to_have_count(50)
    signed_in.get_by_role("link", name="more").click()
    expect(signed_in.locator("#rows > tr")).to_have_count(63)
    signed_in.get_by_role("searchbox", name="Filter tools").fill("search_orders")
    expect(signed_in.locator("#rows > tr")).to_have_count(1)
    expect(signed_in.locator("#tool-tabs")).to_contain_text("All 1")
    assert "q=search_orders" in signed_in.url
    signed_in.locator("#rows th a").click()
    expect(signed_in.locator("#versions")).to_contain_text("/function/parameters/properties/order/type")
    sample = signed_in.locator("#samples li").nth(1)
    expect(sample).not_to_contain_text("zzz")
    sample.locator("summary").first.click()
    expect(sample).to_contain_text("zzz")


def test_calls_and_failures_fit_a_phone(signed_in: Page, live_server: Any, project_with_tools: Project) -> None:
    signed_in.set_viewport_size({"width": 375, "height": 800})
    signed_in.goto(f"{live_server.url}/p/default/tools/")
    for column in ("Calls", "Failed", "Invalid"):
        box = signed_in.get_by_role("columnheader", name=column).bounding_box()
        assert box
        assert box["x"] + box["width"] <= 375, column
    field, icon = signed_in.get_by_role("searchbox"), signed_in.locator(".query .field > .i")
    field_box, icon_box = field.bounding_box(), icon.bounding_box()
    assert field_box
    assert icon_box
    assert abs(field_box["y"] - icon_box["y"]) < 10


def test_action_disappears_when_its_run_continues(
    signed_in: Page, live_server: Any, project_with_tools: Project
) -> None:
    signed_in.keyboard.press("g")
    signed_in.keyboard.press("w")
    row = signed_in.locator("#rows > tr", has_text="run_long")
    expect(row).to_contain_text("issue_refund")
    factories.post(project_with_tools, factories.run_object(id="run_long_wait"))
    expect(row).to_have_count(0, timeout=10_000)


def test_pages_are_accessible(signed_in: Page, live_server: Any, project_with_tools: Project) -> None:
    for path in ("tools/", "tools/function/search_orders/", "actions/"):
        signed_in.goto(f"{live_server.url}/p/default/{path}")
        signed_in.evaluate(
            "document.querySelectorAll('#samples details').forEach((details) => { details.open = true; })"
        )
        for width in WIDTHS:
            signed_in.set_viewport_size({"width": width, "height": 900})
            assert_accessible(signed_in)
            assert signed_in.evaluate("document.documentElement.scrollWidth <= innerWidth"), (path, width)
