"""The upload of files in a browser, from the empty list to the failed run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests import factories
from tests.browser.conftest import WIDTHS, assert_accessible

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def exported(tmp_path: Path) -> Path:
    failed = factories.failed_run(id="run_failed", message="Rate limit reached.")
    wrong = factories.run_object(id="run_wrong", status=7)
    path = tmp_path / "exported.jsonl"
    path.write_text("".join(json.dumps(value) + "\n" for value in (failed, wrong)))
    return path


@pytest.fixture
def empty_project(page: Page, live_server: Any, transactional_db: None) -> Page:
    """Return the list of a project without runs, with a member signed in."""
    project = factories.make_project()
    factories.make_user(project, name="mira")
    page.goto(f"{live_server.url}/")
    page.get_by_label("User name").fill("mira")
    page.get_by_label("Password").fill(factories.PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/p/default/runs/**")
    return page


def test_upload_by_mouse_explains_a_failed_run(empty_project: Page, exported: Path, console: list[str]) -> None:
    page = empty_project
    page.get_by_role("link", name="Import files").click()
    page.get_by_label("Files", exact=True).set_input_files(exported)
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_role("status").filter(has_text="1 record stored")).to_be_visible()
    expect(page.get_by_role("row", name="run_wrong")).to_contain_text("/status")
    page.get_by_role("link", name="Show errors").click()
    expect(page.get_by_role("main")).to_contain_text("rate_limit_exceeded")


@pytest.mark.parametrize("width", WIDTHS)
def test_upload_by_keyboard_is_accessible(empty_project: Page, exported: Path, console: list[str], width: int) -> None:
    page = empty_project
    page.set_viewport_size({"width": width, "height": 900})
    page.get_by_role("link", name="Import files").press("Enter")
    page.wait_for_url("**/import/")
    assert_accessible(page)
    page.get_by_label("Files", exact=True).set_input_files(exported)
    page.get_by_label("Files", exact=True).press("Tab")
    expect(page.get_by_role("button", name="Import", exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("table")).to_contain_text("expected string")
    assert_accessible(page)
    overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(overflow) <= 0
