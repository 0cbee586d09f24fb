"""A person signs in with an OpenID provider."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from runs.models import Project
from runs.team.claim_rules import parse_claim_rules
from tests.browser.conftest import assert_accessible
from tests.oidc_provider import OidcTestProvider, serve_oidc_provider


@pytest.fixture
def provider(settings: Any, demo_project: Project) -> Iterator[OidcTestProvider]:
    with serve_oidc_provider() as provider:
        settings.OIDC_CLIENT = provider.client
        settings.OIDC_ROLE_RULES = parse_claim_rules("groups=staff:default:viewer")
        yield provider


def click_through(page: Page, url: str) -> None:
    page.goto(f"{url}/login/?next=/p/default/threads/")
    page.get_by_role("link", name="Sign in with Test ID").click()


def test_claim_opens_the_page_asked_for(page: Page, live_server: Any, provider: OidcTestProvider, console: Any) -> None:
    provider.person |= {"preferred_username": "grace", "groups": ["staff"]}
    page.goto(f"{live_server.url}/login/")
    assert_accessible(page)
    click_through(page, live_server.url)
    page.wait_for_url("**/p/default/threads/")
    expect(page.get_by_role("heading", name="Threads")).to_be_visible()


@pytest.mark.parametrize(
    ("change", "text"),
    [({}, "has no access"), ({"nonce": "x"}, "failed"), ({"exp": 1}, "failed"), ({"aud": "other"}, "failed")],
)
def test_refusals_are_a_page(
    page: Page, live_server: Any, provider: OidcTestProvider, change: dict[str, Any], text: str
) -> None:
    provider.change = lambda claims: claims.update(change)
    click_through(page, live_server.url)
    expect(page.get_by_role("alert")).to_contain_text(text)
    assert_accessible(page)
    page.get_by_role("link", name="Go to the sign-in page").click()
    expect(page.get_by_label("User name")).to_be_visible()
