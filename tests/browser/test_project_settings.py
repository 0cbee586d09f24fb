"""The settings in a browser: a created key is shown, and the page is accessible."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from runs.models import AuditEvent, Membership, Project, User
from runs.team.api_keys import find_api_key
from tests import factories
from tests.browser.conftest import WIDTHS, assert_accessible, sign_in


@pytest.mark.parametrize("width", WIDTHS)
def test_created_key_is_shown(
    page: Page, live_server: Any, demo_project: Project, console: list[str], width: int
) -> None:
    Membership.objects.update(role="admin")
    sign_in(page, live_server.url, User.objects.get(username="mira"))
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(f"{live_server.url}/p/default/settings/keys/")
    page.get_by_label("Name of the new key").fill("nightly import")
    page.get_by_role("button", name="Create key").click()
    expect(page.get_by_role("status").filter(has_text="nightly import")).to_be_visible()
    key = find_api_key(page.locator("#secret").inner_text())
    assert key is not None
    assert key.scopes == ["ingest", "read"]
    assert_accessible(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_account_pages_are_accessible(page: Page, live_server: Any, demo_project: Project, console: list[str]) -> None:
    user = User.objects.get(username="mira")
    Membership.objects.update(role="admin")
    User.objects.update(is_superuser=True, password_expires_at=timezone.now() + timedelta(days=1))
    AuditEvent.objects.record(demo_project, user, "deleted the run run_1", category="deletion", address="192.0.2.7")
    page.goto(f"{live_server.url}/p/default/settings/audit/")
    page.get_by_label("User name").fill("mira")
    page.get_by_label("Password").fill(factories.PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/account/password/**")
    expect(page.get_by_role("heading", name="Choose a password")).to_be_visible()
    assert_accessible(page)
    page.get_by_label("New password", exact=True).fill("a much better one")
    page.get_by_label("Confirm new password").fill("a much better one")
    page.get_by_role("button", name="Choose a password").click()
    page.wait_for_url("**/audit/")
    expect(page.get_by_role("heading", name="Audit log")).to_be_visible()
    expect(page.get_by_role("cell", name="192.0.2.7")).to_be_visible()
    assert_accessible(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280
