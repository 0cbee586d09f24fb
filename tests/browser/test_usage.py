"""The usage page in a browser: the days of the reader, zooming, the table of the chart, and accessibility."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from runs.models import Project
from tests import factories
from tests.browser.conftest import WIDTHS, assert_accessible, sign_in

pytestmark = pytest.mark.django_db(transaction=True)

HOUR = 3600


@pytest.fixture
def project_with_usage(project: Project) -> Project:
    """Runs of the last days, of two assistants and two models. One of the models has no price."""
    now = int(time.time()) // HOUR * HOUR
    objects = [
        factories.run_object(
            created_at=now - number * 5 * HOUR - 60,
            started_at=now - number * 5 * HOUR - 58,
            completed_at=now - number * 5 * HOUR - 20,
            model=("gpt-4o", "house-model")[number % 2],
            assistant_id=("asst_a", "asst_b")[number % 2],
        )
        for number in range(60)
    ]
    assert not factories.post(project, *objects).errors
    return project


@pytest.fixture
def browser_context_args(browser_context_args: dict[str, Any]) -> dict[str, Any]:
    """A browser in Kathmandu, 5:45 ahead of UTC."""
    return browser_context_args | {"timezone_id": "Asia/Kathmandu"}


@pytest.fixture
def project_url(page: Page, live_server: Any, project_with_usage: Project, console: list[str]) -> str:
    """The URL of the project. An administrator is signed in, and the time zone is known."""
    sign_in(page, live_server.url, factories.make_user(project_with_usage, role="admin", name="root"))
    page.goto(f"{live_server.url}/p/default/settings/prices/")
    return f"{live_server.url}/p/default"


def test_drag_zooms_into_days_of_reader(page: Page, project_url: str) -> None:
    page.goto(f"{project_url}/usage/")
    expect(page.locator("figcaption")).to_contain_text("Tokens per day, Asia/Kat")
    chart = page.locator("#usage-chart svg.chart")
    box = chart.bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] - 2, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.93, box["y"] + 70)
    expect(chart.locator(".brush")).to_be_visible()
    page.mouse.up()
    page.wait_for_url(re.compile(r"from=\d{4}-.*T18%3A15%3A00Z&to=\d{4}-"))
    expect(page.locator("figcaption")).to_contain_text("Tokens per 3 hours, Asia/Kat")
    page.locator("#range summary").click()
    expect(page.get_by_label("From", exact=True)).to_have_value(re.compile("T00:00"))


def test_chart_table_links_to_runs(page: Page, project_url: str) -> None:
    page.goto(f"{project_url}/usage/?range=24h&measure=runs")
    page.get_by_text("Runs per hour as a table").click()
    table = page.get_by_role("region", name="Runs per hour")
    expect(table.locator("tbody tr")).to_have_count(24)
    first = table.locator("tbody td a").first
    count = first.inner_text()
    first.click()
    page.wait_for_url("**/runs/?**model=**from=**")
    expect(page.locator("#rows > tr")).to_have_count(int(count))


def test_missing_price_can_be_set(page: Page, project_url: str) -> None:
    page.goto(f"{project_url}/usage/")
    page.get_by_role("link", name="Set prices").click()
    page.get_by_role("link", name="Set price of house-model").click()
    page.get_by_label("Input", exact=True).fill("2.50")
    page.get_by_label("Output").fill("10")
    page.get_by_role("button", name="Set price").click()
    expect(page.locator("#own").get_by_role("row", name="house-model $2.5 $10 as input")).to_be_visible()
    expect(page.locator("#unpriced")).to_contain_text("None: every model used in the last 90 days has a price.")


@pytest.mark.parametrize("width", WIDTHS)
def test_page_is_accessible(page: Page, project_url: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    for path in ("usage/?range=7d&split=status", "settings/prices/?model=house-model"):
        page.goto(f"{project_url}/{path}")
        for disc in page.locator("details.disc > summary").all():
            disc.click()
        assert_accessible(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
