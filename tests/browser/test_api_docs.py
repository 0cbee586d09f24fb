"""The documentation page of the REST API, under the Content-Security-Policy of the site."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page, expect


def test_docs_page_is_rendered_without_blocked_requests(
    page: Page, live_server: Any, transactional_db: None, console: list[str]
) -> None:
    failed_requests: list[str] = []
    page.on("requestfailed", lambda request: failed_requests.append(request.url))
    document = page.request.get(f"{live_server.url}/api/v1/schema", headers={"Accept": "application/json"}).json()
    page.goto(f"{live_server.url}/api/v1/docs")
    expect(page.get_by_role("heading", name="Runglass REST API")).to_be_visible()
    expect(page.locator(".opblock")).to_have_count(sum(map(len, document["paths"].values())))
    page.locator(".opblock", has_text="Post runs").locator(".opblock-summary-control").click()
    expect(page.get_by_text("Requires the scope ingest").first).to_be_visible()
    page.get_by_role("button", name="Authorize").click()
    expect(page.locator(".modal-ux")).to_be_visible()
    assert failed_requests == []
