"""The pages that no other test of the browser checks: accessible, in forced colors, and in print."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from runs.models import Membership, Project, User
from tests import factories
from tests.browser.conftest import WIDTHS, assert_accessible

pytestmark = pytest.mark.django_db(transaction=True)

PATHS = (
    "p/default/language/",
    "p/default/views/",
    "p/default/settings/",
    "p/default/settings/members/",
    "p/default/settings/prices/",
    "p/default/settings/retention/",
    "projects/new/",
    "status/",
)


@pytest.mark.parametrize("width", WIDTHS)
def test_pages_are_accessible(signed_in: Page, live_server: Any, demo_project: Project, width: int) -> None:
    Membership.objects.update(role="admin")
    User.objects.update(is_superuser=True)
    factories.make_saved_view(demo_project, User.objects.get(), "Failing", query="status:failed created:-7d")
    signed_in.set_viewport_size({"width": width, "height": 900})
    for path in PATHS:
        signed_in.goto(f"{live_server.url}/{path}")
        assert_accessible(signed_in)
        assert signed_in.evaluate("document.documentElement.scrollWidth") <= width, path


def test_query_of_a_view_keeps_its_words(signed_in: Page, live_server: Any, demo_project: Project) -> None:
    factories.make_saved_view(demo_project, User.objects.get(), "Failing", query="status:failed")
    signed_in.set_viewport_size({"width": 375, "height": 800})
    signed_in.goto(f"{live_server.url}/p/default/views/")
    line_height = 24
    box = signed_in.get_by_role("cell").locator("code").bounding_box()
    assert box
    assert box["height"] < line_height


def test_print_has_the_content_only(signed_in: Page) -> None:
    signed_in.emulate_media(media="print")
    for hidden in (signed_in.locator(".skip").first, signed_in.get_by_role("navigation", name="Main")):
        expect(hidden).to_be_hidden()
    expect(signed_in.get_by_role("link", name="run_failed")).to_be_visible()


def test_forced_colors_keep_charts_and_current_page(signed_in: Page) -> None:
    signed_in.emulate_media(forced_colors="active")
    current = signed_in.get_by_role("navigation", name="Main").get_by_role("link", name="Runs")
    assert current.evaluate("(link) => getComputedStyle(link).outlineStyle") == "solid"
    bars = signed_in.locator(".chart path").first
    assert bars.evaluate("(path) => getComputedStyle(path).forcedColorAdjust") == "none"
