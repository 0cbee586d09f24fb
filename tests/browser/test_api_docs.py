"""The REST API's description as a page, under the site's policy."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page, expect


def test_the_description_is_drawn_and_nothing_is_blocked(
    page: Page, live_server: Any, transactional_db: None, console: list[str]
) -> None:
    refused: list[str] = []
    page.on("requestfailed", lambda request: refused.append(request.url))
    described = page.request.get(f"{live_server.url}/api/v1/schema", headers={"Accept": "application/json"}).json()
    page.goto(f"{live_server.url}/api/v1/docs")
    expect(page.get_by_role("heading", name="Runglass")).to_be_visible()
    expect(page.locator(".opblock")).to_have_count(sum(map(len, described["paths"].values())))
    page.locator(".opblock", has_text="Post runs").locator(".opblock-summary-control").click()
    expect(page.get_by_text("Needs the scope ingest").first).to_be_visible()
    page.get_by_role("button", name="Authorize").click()
    expect(page.locator(".modal-ux")).to_be_visible()
    assert refused == []
