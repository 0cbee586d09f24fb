"""Browser tests of tags."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from runs.models import Project, RunTag

pytestmark = pytest.mark.django_db(transaction=True)


def test_selected_runs_are_tagged_and_found(signed_in: Page, demo_project: Project, console: list[str]) -> None:
    boxes = signed_in.locator("#rows [type=checkbox]")
    boxes.nth(1).click()
    boxes.nth(2).click()
    signed_in.locator(".tagger summary").click()
    field = signed_in.locator("#tag-names")
    field.fill("-wrong")
    field.press("Enter")
    expect(signed_in.get_by_role("alert")).to_contain_text("expected a tag of at most 40 characters")
    assert all("422" in message for message in console)
    console.clear()
    field.fill("Needs review")
    field.press("Enter")
    expect(signed_in.locator("#announce")).to_have_text("Added needs-review to 2 runs.")
    expect(signed_in.locator("#rows .tag", has_text="needs-review")).to_have_count(2)
    expect(signed_in.locator("#rows :checked")).to_have_count(2)
    expect(field).to_be_focused()
    signed_in.keyboard.press("Escape")
    signed_in.locator("#q").fill("tag:needs-*")
    signed_in.keyboard.press("Enter")
    signed_in.wait_for_url("**q=tag%3Aneeds-*")
    expect(signed_in.locator("#rows > tr")).to_have_count(2)
    signed_in.locator("#rows a.id").first.click()
    signed_in.locator("#tag-name").fill("urgent")
    signed_in.keyboard.press("Enter")
    expect(signed_in.locator("#tags .tok")).to_have_count(2)
    signed_in.get_by_role("button", name="Remove tag needs-review").click()
    expect(signed_in.locator("#tags .tok")).to_have_count(1)
    assert RunTag.objects.in_project(demo_project).count() == 2
