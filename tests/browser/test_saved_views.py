"""Browser tests of saved views."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from runs.models import Project, SavedView, User
from runs.team import saved_views, tags
from tests import factories
from tests.browser.conftest import WIDTHS, assert_accessible, sign_in

pytestmark = pytest.mark.django_db(transaction=True)


def test_shared_view_opens_for_another_user(signed_in: Page, live_server: Any, demo_project: Project) -> None:
    signed_in.locator(".chips label", has_text="Failed").click()
    signed_in.wait_for_url("**?status=failed")
    signed_in.locator("#save-view summary").click()
    signed_in.get_by_label("Name").fill("Failing")
    signed_in.get_by_label("Share with everyone in the project").check()
    signed_in.get_by_role("button", name="Save new view").click()
    expect(signed_in.get_by_role("status").first).to_contain_text("Saved the view")
    tab = signed_in.locator("#views a", has_text="Failing")
    expect(tab).to_have_attribute("aria-current", "page")
    expect(tab).to_contain_text("1")
    # the tabs stay while filters change
    signed_in.get_by_label("Remove status:failed").click()
    expect(signed_in.locator("#rows > tr")).to_have_count(9)
    expect(signed_in.locator("[id=results]")).to_have_count(1)
    expect(signed_in.locator("#save-view summary")).to_have_text("Save changes…")
    expect(tab).to_contain_text("1")
    signed_in.locator("#views a", has_text="All runs").click()
    signed_in.wait_for_url("**/runs/")
    expect(tab).not_to_have_attribute("aria-current", "page")
    sign_in(signed_in, live_server.url, factories.make_user(demo_project, role="viewer", name="otto"))
    signed_in.goto(f"{live_server.url}/p/default/views/{SavedView.objects.get().pk}/")
    expect(signed_in.locator("#rows > tr")).to_have_count(1)
    expect(signed_in.locator("#views a[aria-current]")).to_contain_text("Failing")


@pytest.mark.parametrize("width", WIDTHS)
def test_views_and_tags_are_accessible(signed_in: Page, live_server: Any, demo_project: Project, width: int) -> None:
    mira = User.objects.get(username="mira")
    tags.add_tags(demo_project, [demo_project.record_id("run_failed")], ["urgent", "x" * 40], mira)
    for name in ("Urgent", "A rather long name of a view that somebody made for themselves"):
        saved_views.save_view(SavedView(project=demo_project, owner=mira, name=name[:60], query="tag:urgent"))
    broken = SavedView.objects.create(project=demo_project, owner=mira, name="Broken", query="gone:x")
    signed_in.set_viewport_size({"width": width, "height": 900})
    site = f"{live_server.url}/p/default"
    signed_in.goto(f"{site}/runs/?q=tag:urgent")
    expect(signed_in.locator("#views a", has_text="Urgent")).to_contain_text("1")
    signed_in.locator("#rows [type=checkbox]").first.check()
    signed_in.locator(".tagger summary").click()
    assert_accessible(signed_in)
    signed_in.locator("#rows [type=checkbox]").first.uncheck()
    signed_in.locator("#save-view summary").click()
    assert_accessible(signed_in)
    for page in ("/language/", "/views/", f"/views/{broken.pk}/", f"/views/{broken.pk}/edit"):
        signed_in.goto(f"{site}{page}")
        assert_accessible(signed_in)
        assert signed_in.evaluate("document.documentElement.scrollWidth <= innerWidth"), page
