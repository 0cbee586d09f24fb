"""The settings in a browser: a created key is shown, and the page is accessible."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from runs.models import Membership, Project, User
from runs.team.api_keys import find_api_key
from tests.browser.conftest import assert_accessible, sign_in


@pytest.mark.parametrize(("scheme", "width"), [("light", 1440), ("dark", 375)])
def test_created_key_is_shown(
    page: Page, live_server: Any, demo_project: Project, console: list[str], scheme: Any, width: int
) -> None:
    Membership.objects.update(role="admin")
    sign_in(page, live_server.url, User.objects.get(username="mira"))
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(f"{live_server.url}/p/default/settings/")
    page.get_by_label("Name of the new key").fill("nightly import")
    page.get_by_role("button", name="Create key").click()
    expect(page.get_by_role("status").filter(has_text="nightly import")).to_be_visible()
    key = find_api_key(page.locator("#secret").inner_text())
    assert key is not None
    assert key.scopes == ["ingest", "read"]
    assert_accessible(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
