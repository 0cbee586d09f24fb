"""Browser tests of reviews: by key in the list, in the preview and on the page of a run."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from runs.models import Project, RunReview
from tests.browser.conftest import assert_accessible

pytestmark = pytest.mark.django_db(transaction=True)


def test_keys_mark_run_after_run_as_reviewed(signed_in: Page, demo_project: Project, console: list[str]) -> None:
    signed_in.goto(f"{signed_in.url.partition('?')[0]}?columns=model,reviewed")
    keyboard, cells = signed_in.keyboard, signed_in.locator("#rows .c-reviewed")
    hint = signed_in.locator("#bulk-hint")
    for number in range(2):
        keyboard.press("j")
        keyboard.press("v")
        expect(cells.nth(number)).not_to_have_text("—")
        expect(hint).to_have_text("Marked 1 run as reviewed.")
        expect(signed_in.locator("#rows :checked")).to_have_count(0)
    assert_accessible(signed_in)
    # the preview shows the same, and changes the row
    keyboard.press("Space")
    review = signed_in.locator("#peek").get_by_role("region", name="Review")
    expect(review).to_contain_text("Reviewed by")
    keyboard.press("Shift+V")
    expect(review).to_have_text("Mark as reviewed")
    expect(cells.nth(1)).to_have_text("—")
    review.get_by_role("button").click()
    expect(cells.nth(1)).not_to_have_text("—")
    # the page of the run
    signed_in.locator("#rows > tr").nth(1).locator("a.id").click()
    signed_in.wait_for_url(re.compile(r"/runs/[^/?]+/"))
    keyboard.press("Shift+V")
    expect(signed_in.get_by_role("button", name="Mark as reviewed")).to_be_visible()
    assert_accessible(signed_in)
    assert RunReview.objects.in_project(demo_project).count() == 1
    assert not console
