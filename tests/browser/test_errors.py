"""Tests of the error pages in a browser."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from runs.models import ErrorGroup, Project
from tests import factories
from tests.browser.conftest import WIDTHS, assert_accessible

pytestmark = pytest.mark.django_db(transaction=True)

LONG = "w" * 256


@pytest.fixture
def project_with_errors(demo_project: Project) -> Project:
    """A project with all kinds of groups, also with long texts. Runs are recent, since the server uses the clock."""
    now = int(time.time())

    def failed(number: int, code: str, message: str, **changes: Any) -> dict[str, Any]:
        created = now - 600 * number
        return factories.failed_run(code, message, created_at=created, failed_at=created + 5, **changes)

    limits = [
        failed(number, "quota_exceeded", f"Rate limit reached for gpt-4o: used {number}.", model="gpt-4o",
               metadata={"release": "2026.11.3"})
        for number in range(1, 25)
    ]  # fmt: skip
    long_texts = failed(3, LONG, LONG, assistant_id=LONG, model=LONG, metadata={LONG: LONG})
    incomplete = factories.run_object(
        created_at=now - 900, status="incomplete", completed_at=None,
        incomplete_details={"reason": "max_completion_tokens"},
    )  # fmt: skip
    completed = [factories.run_object(created_at=now - 700 * number, completed_at=now) for number in range(1, 25)]
    assert not factories.post(demo_project, *limits, long_texts, incomplete, *completed).errors
    return demo_project


def test_group_is_opened_and_resolved(signed_in: Page, live_server: Any, project_with_errors: Project) -> None:
    signed_in.keyboard.press("g")
    signed_in.keyboard.press("e")
    expect(signed_in.get_by_role("heading", level=1)).to_have_text("Errors")
    signed_in.get_by_role("link", name="quota_exceeded", exact=True).click()
    expect(signed_in.locator("#differences")).to_contain_text("release: 2026.11.3")
    expect(signed_in.locator("#grouping mark").first).to_have_text("gpt-4o")
    signed_in.get_by_role("button", name="Resolve").click()
    expect(signed_in.locator("#state")).to_contain_text("Resolved. Set by mira")
    signed_in.get_by_role("link", name="Errors").first.click()
    expect(signed_in.locator("#rows")).not_to_contain_text("quota_exceeded")
    signed_in.get_by_role("link", name="Resolved 1").click()
    expect(signed_in.locator("#rows")).to_contain_text("quota_exceeded")
    signed_in.locator("#rows .num a").first.click()
    expect(signed_in.locator("#rows > *")).to_have_count(24)
    assert ErrorGroup.objects.get(code="quota_exceeded").state == "resolved"


def test_chart_bar_selects_its_time_range(signed_in: Page, live_server: Any, project_with_errors: Project) -> None:
    signed_in.goto(f"{live_server.url}/p/default/errors/?from=-24h")
    signed_in.locator("svg.chart .slot").last.click()
    expect(signed_in).to_have_url(re.compile("from=20.*to=20"))
    expect(signed_in.get_by_role("heading", level=1)).to_have_text("Errors")


@pytest.mark.parametrize("width", WIDTHS)
def test_error_pages_are_accessible(
    signed_in: Page, live_server: Any, project_with_errors: Project, width: int
) -> None:
    signed_in.set_viewport_size({"width": width, "height": 900})
    groups = [ErrorGroup.objects.get(code__startswith=code).pk for code in ("quota_exceeded", "wwww")]
    for path in ("?show=all", *(f"{group}/" for group in groups)):
        signed_in.goto(f"{live_server.url}/p/default/errors/{path}")
        assert_accessible(signed_in)
        assert signed_in.evaluate("document.documentElement.scrollWidth <= innerWidth"), path


def test_groups_are_triaged_by_keys(signed_in: Page, live_server: Any, project_with_errors: Project) -> None:
    signed_in.goto(f"{live_server.url}/p/default/errors/")
    for key in ("j", "x", "j", "x"):
        signed_in.keyboard.press(key)
    expect(signed_in.locator("#selected")).to_have_text("2 selected")
    assert_accessible(signed_in)
    signed_in.keyboard.press("a")
    expect(signed_in.locator("#bulk [name=assignee]")).to_be_focused()
    for _ in range(2):  # leave the field, then clear the selection
        signed_in.keyboard.press("Escape")
    expect(signed_in.locator("#rows input:checked")).to_have_count(0)
    signed_in.keyboard.press("m")  # without a selection, the current row is meant
    expect(signed_in.get_by_text("Assigned 1 group to mira.")).to_be_visible()
    signed_in.get_by_role("link", name="Mine").click()
    expect(signed_in.locator("#rows > *")).to_have_count(1)
    signed_in.keyboard.press("j")
    signed_in.keyboard.press("i")
    expect(signed_in.get_by_text("Ignored 1 group.")).to_be_visible()
    assert ErrorGroup.objects.filter(state="ignored", assignee__username="mira").count() == 1
    expect(signed_in.locator("#rows > *")).to_have_count(0)


def test_group_is_ignored_by_touch_on_a_phone(signed_in: Page, live_server: Any, project_with_errors: Project) -> None:
    signed_in.set_viewport_size({"width": 375, "height": 800})
    signed_in.goto(f"{live_server.url}/p/default/errors/")
    signed_in.get_by_label("Select quota_exceeded").check()
    signed_in.get_by_label("Ignore until", exact=True).select_option("10 more runs")
    signed_in.get_by_role("button", name="Ignore i").click()
    expect(signed_in.get_by_text("Ignored 1 group until 10 more runs.")).to_be_visible()
