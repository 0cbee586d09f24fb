"""Browser tests of the run list: zoom, exports, selection, new runs and keyboard shortcuts."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from runs.models import Membership, Project, Run
from tests import factories
from tests.browser.conftest import WIDTHS, assert_accessible

pytestmark = pytest.mark.django_db(transaction=True)


def rows(page: Page) -> Locator:
    return page.locator("#rows > tr")


def selected(page: Page) -> Locator:
    return page.locator("#rows :checked")


def just_now(**changes: Any) -> dict[str, Any]:
    at = int(time.time())
    return factories.run_object(created_at=at, started_at=at, completed_at=at + 1) | changes


def test_histogram_brush_zooms_and_back_undoes_it(signed_in: Page) -> None:
    box = signed_in.locator("#histogram").bounding_box()
    assert box
    signed_in.mouse.move(box["x"] + box["width"] - 2, box["y"] + 20)
    signed_in.mouse.down()
    signed_in.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + 30)
    expect(signed_in.locator("#histogram .brush")).to_be_visible()
    expect(signed_in.locator(".chart-tip")).to_have_text(re.compile(r"^\d+ \w+, .* . .* · 3 runs$"))
    signed_in.mouse.up()
    expect(signed_in.locator(".chart-tip")).to_be_hidden()
    signed_in.wait_for_url(re.compile(r"from=\d{4}-.*&to=\d{4}-"))
    expect(rows(signed_in)).to_have_count(3)
    expect(signed_in.locator("#histogram")).to_have_attribute("aria-label", re.compile("^Runs per .* 3 in total"))
    signed_in.go_back()
    expect(rows(signed_in)).to_have_count(9)


def test_escape_cancels_the_brush(signed_in: Page) -> None:
    before = signed_in.url
    signed_in.locator("#histogram").hover()
    signed_in.mouse.down()
    signed_in.keyboard.press("Escape")
    signed_in.mouse.up()
    expect(signed_in.locator("#histogram .brush")).to_have_count(0)
    assert signed_in.url == before


def test_matching_runs_are_downloaded(signed_in: Page) -> None:
    signed_in.locator("label", has_text="Failed").first.click()
    signed_in.wait_for_url("**status=failed**")
    signed_in.keyboard.press("e")
    with signed_in.expect_download() as started:
        signed_in.get_by_role("link", name="JSONL").click()
    assert started.value.suggested_filename.startswith("default-runs-with-status-failed-")
    (line,) = Path(started.value.path()).read_text().splitlines()
    assert json.loads(line)["id"] == "run_failed"


def test_selected_rows_are_exported(signed_in: Page) -> None:
    boxes = signed_in.locator("#rows [type=checkbox]")
    expect(signed_in.locator("#bulk")).to_be_hidden()
    boxes.nth(1).click()
    boxes.nth(4).click(modifiers=["Shift"])
    expect(selected(signed_in)).to_have_count(4)
    expect(signed_in.locator("#selected")).to_have_text("4 selected")
    with signed_in.expect_download() as started:
        signed_in.keyboard.press("e")
    assert len(Path(started.value.path()).read_text().splitlines()) == 4
    signed_in.keyboard.press("Escape")
    expect(selected(signed_in)).to_have_count(0)
    expect(signed_in.locator("#bulk")).to_be_hidden()
    signed_in.locator("#select-all").check()
    expect(signed_in.locator("#selected")).to_have_text("9 selected")


def test_click_anywhere_on_a_row_opens_it(signed_in: Page) -> None:
    row = rows(signed_in).nth(2)
    run_id = row.locator("a.id").get_attribute("title")
    row.locator(".c-status").click()
    signed_in.wait_for_url(f"**/runs/{run_id}/**")
    signed_in.go_back()
    signed_in.set_viewport_size({"width": 375, "height": 800})
    rows(signed_in).nth(2).locator(".c-started").click()
    signed_in.wait_for_url(f"**/runs/{run_id}/**")


@pytest.mark.parametrize(("button", "modifiers"), [("left", ["Control"]), ("left", ["Meta"]), ("middle", [])])
def test_row_opens_in_a_new_tab(signed_in: Page, button: Any, modifiers: Any) -> None:
    before = signed_in.url
    row = rows(signed_in).nth(2)
    with signed_in.context.expect_page() as opened:
        row.locator(".c-status").click(button=button, modifiers=modifiers)
    run_id = row.locator("a.id").get_attribute("title")
    opened.value.wait_for_url(f"**/runs/{run_id}/**")
    assert signed_in.url == before


def test_selecting_in_a_row_does_not_open_it(signed_in: Page) -> None:
    before = signed_in.url
    row = rows(signed_in).nth(2)
    row.locator(".c-sel").click(position={"x": 2, "y": 2})
    expect(row.get_by_role("checkbox")).to_be_checked()
    box = row.locator(".c-model").bounding_box()
    assert box
    signed_in.mouse.move(box["x"] + 2, box["y"] + box["height"] / 2)
    signed_in.mouse.down()
    signed_in.mouse.move(box["x"] + box["width"] - 4, box["y"] + box["height"] / 2)
    signed_in.mouse.up()
    assert signed_in.evaluate("getSelection().toString()")
    signed_in.wait_for_timeout(300)
    assert signed_in.url == before


def test_administrator_deletes_selected_runs(signed_in: Page, demo_project: Project) -> None:
    Membership.objects.update(role="admin")
    signed_in.reload()
    signed_in.locator("#rows [type=checkbox]").nth(0).click()
    signed_in.locator("#rows [type=checkbox]").nth(1).click()
    signed_in.get_by_role("button", name="Delete…").click()
    dialog = signed_in.locator("#deletion-dialog")
    expect(dialog.get_by_role("heading")).to_have_text("Delete 2 runs?")
    assert_accessible(signed_in)
    dialog.get_by_label("confirm").fill("delete")
    signed_in.keyboard.press("Enter")
    expect(signed_in.get_by_role("status").first).to_contain_text("Deleted 2 runs")
    assert Run.objects.count() == 7


def test_new_runs_are_announced_and_active_rows_refreshed(signed_in: Page, demo_project: Project) -> None:
    waiting = signed_in.locator("#rows > tr", has_text="submit_tool_outputs")
    waiting.locator("[type=checkbox]").check()
    first = rows(signed_in).first.get_attribute("id")
    posted = factories.waiting_run("issue_refund", id="run_waiting")
    done = {"status": "completed", "required_action": None, "completed_at": posted["created_at"] + 30}
    assert not factories.post(demo_project, posted | done, just_now(id="run_of_today")).errors
    pill = signed_in.locator("#new-runs a")
    expect(pill).to_have_text("1 new run", timeout=9000)
    expect(signed_in.locator("#announce")).to_have_text("1 new run")
    expect(signed_in.locator(f"#row-{demo_project.record_id('run_waiting')}")).to_contain_text("Completed")
    expect(selected(signed_in)).to_have_count(1)
    assert rows(signed_in).first.get_attribute("id") == first
    pill.click()
    expect(rows(signed_in).first.locator("a.id")).to_have_attribute("title", "run_of_today")
    expect(pill).to_have_count(0)


def test_first_run_appears_without_reload(signed_in: Page, demo_project: Project) -> None:
    signed_in.goto(f"{signed_in.url}?assistant=asst_new")
    factories.post(demo_project, just_now(id="run_first", assistant_id="asst_new"))
    signed_in.locator("#new-runs a").click(timeout=9000)
    expect(rows(signed_in).locator("a.id")).to_have_attribute("title", "run_first")
    Run.objects.all().delete()
    signed_in.goto(signed_in.url.partition("?")[0])
    expect(signed_in.get_by_role("heading", name="No runs yet")).to_be_visible()
    factories.post(demo_project, just_now(id="run_first"))
    expect(rows(signed_in).locator("a.id")).to_have_attribute("title", "run_first", timeout=9000)
    signed_in.locator("#statuses label").click()
    signed_in.wait_for_url("**?status=completed")


def test_live_can_be_switched_off(signed_in: Page) -> None:
    requested_urls: list[str] = []
    signed_in.on("request", lambda request: requested_urls.append(request.url))
    signed_in.keyboard.press("l")
    expect(signed_in.locator("#announce")).to_have_text("Live updates are off")
    signed_in.wait_for_timeout(5500)
    assert not [url for url in requested_urls if "/new-runs/" in url]


def test_columns_and_order_can_be_changed(many_runs: None, signed_in: Page) -> None:
    signed_in.locator("summary", has_text="Columns").click()
    signed_in.locator("#columns").get_by_role("checkbox", name="Metadata").uncheck()
    expect(signed_in.locator(".runs th.c-meta")).to_have_count(0)
    signed_in.locator("#columns label", has_text="Thread").click()  # on its text
    expect(signed_in.locator(".runs th.c-thread")).to_be_visible()
    signed_in.set_viewport_size({"width": 1200, "height": 800})
    assert signed_in.evaluate("document.documentElement.scrollWidth") == 1200
    signed_in.keyboard.press("Escape")
    signed_in.get_by_role("columnheader", name="Tokens").get_by_role("link").click()
    signed_in.wait_for_url("**sort=-tokens**")
    expect(signed_in.locator("th.c-tok")).to_have_attribute("aria-sort", "descending")
    signed_in.locator("#more a").click()
    expect(rows(signed_in)).to_have_count(63)
    signed_in.reload()
    expect(signed_in.locator(".runs th.c-meta")).to_have_count(0)


def test_list_works_by_keyboard(signed_in: Page) -> None:
    keyboard, keys = signed_in.keyboard, signed_in.locator("#keys")
    keyboard.press("?")
    for description in (
        "Turn live updates on or off",
        "Export the selected rows, or all matches",
        "Narrower, wider; with Shift move the column",
    ):
        expect(keys.get_by_text(description)).to_be_visible()
    for description in ("Copy the id", "Resolve the selected groups", "Timeline"):
        expect(keys.get_by_text(description)).to_be_hidden()
    assert_accessible(signed_in)
    keyboard.press("Escape")
    for key in ("j", "j", "x", "j", "j", "Shift+X"):
        keyboard.press(key)
    expect(signed_in.locator("#selected")).to_have_text("3 selected")
    keyboard.press("c")
    expect(signed_in.get_by_text("Select exactly two runs to compare; 3 selected.")).to_be_visible()
    keyboard.press("Escape")
    expect(selected(signed_in)).to_have_count(0)
    keyboard.press("k")
    keyboard.press("k")
    keyboard.press("x")
    keyboard.press("j")
    keyboard.press("x")
    keyboard.press("c")
    signed_in.wait_for_url("**/compare/?left=**")
    keyboard.press("g")
    keyboard.press("r")
    signed_in.wait_for_url("**/p/default/runs/")
    keyboard.press("e")
    expect(signed_in.get_by_role("link", name="CSV, a table")).to_be_visible()
    keyboard.press("Escape")
    keyboard.press("l")
    expect(signed_in.locator("#announce")).to_have_text("Live updates are off")
    keyboard.press("/")
    keyboard.type("error:rate_limit_exceeded")
    keyboard.press("Enter")
    signed_in.wait_for_url("**error=rate_limit_exceeded")
    expect(rows(signed_in)).to_have_count(1)
    keyboard.press("Escape")
    keyboard.press("j")
    keyboard.press("Enter")
    expect(signed_in.locator("h1")).to_contain_text("run_failed")
    signed_in.goto(signed_in.url.partition("?")[0])  # not from the list: in its thread
    signed_in.wait_for_load_state()  # keys work once scripts do
    keyboard.press("[")
    expect(signed_in.locator("h1")).not_to_contain_text("run_failed")
    signed_in.wait_for_load_state()
    keyboard.press("]")
    expect(signed_in.locator("h1")).to_contain_text("run_failed")
    signed_in.locator("summary", has_text="Account").click()
    signed_in.get_by_label("Single-key shortcuts").uncheck()
    keyboard.press("Escape")
    keyboard.press("[")
    keyboard.press("?")
    expect(keys).to_be_hidden()
    expect(signed_in.locator("h1")).to_contain_text("run_failed")


def test_option_replaces_what_was_typed_since(signed_in: Page) -> None:
    option = signed_in.locator("#suggestions > li", has_text="failed")
    signed_in.keyboard.press("/")
    signed_in.keyboard.type("status:f")
    expect(option).to_be_visible()
    signed_in.route("**/suggest/**", lambda _: None)  # never answered
    signed_in.keyboard.type("ai")
    option.click()
    expect(signed_in.locator("#q")).to_have_value("status:failed ")


def test_query_is_autocompleted(signed_in: Page) -> None:
    keyboard, field = signed_in.keyboard, signed_in.locator("#q")
    options = signed_in.locator("#suggestions > li")
    keyboard.press("/")
    keyboard.type("stat")
    expect(options.first).to_contain_text("status:")
    expect(field).to_have_attribute("aria-expanded", "true")
    assert_accessible(signed_in)
    keyboard.press("ArrowDown")
    expect(field).to_have_attribute("aria-activedescendant", "suggestion-0")
    keyboard.press("Enter")
    expect(field).to_have_value("status:")
    keyboard.type("fai")
    expect(options).to_have_count(1)
    options.first.click()
    expect(field).to_have_value("status:failed ")
    expect(field).to_be_focused()
    keyboard.type("mod")
    expect(options.first).to_contain_text("model:")
    keyboard.press("Escape")
    expect(options).to_have_count(0)
    keyboard.press("Backspace")
    keyboard.press("Backspace")
    keyboard.press("Backspace")
    keyboard.press("Escape")
    keyboard.press("/")
    keyboard.press("Enter")
    signed_in.wait_for_url("**/runs/?status=failed")
    expect(rows(signed_in)).to_have_count(1)


def test_typed_terms_check_matching_options(signed_in: Page) -> None:
    field, tokens = signed_in.locator("#q"), signed_in.locator("#q-form .tok")
    failed = signed_in.locator("#statuses").get_by_role("checkbox", name="Failed")
    field.fill("status:failed -model:none error:rate_limit_exceeded")
    field.press("Enter")
    expect(tokens).to_have_text(["status:failed", "error:rate_limit_exceeded", "model:none"])
    expect(field).to_have_value("")
    expect(signed_in.get_by_role("checkbox", name="rate_limit_exceeded")).to_be_checked()
    expect(failed).to_be_checked()
    expect(rows(signed_in)).to_have_count(1)
    with signed_in.expect_response("**/runs/?**"):
        field.press("Enter")  # asks the same again, and not twice
    expect(tokens).to_have_count(3)
    failed.uncheck()
    expect(tokens).to_have_text(["error:rate_limit_exceeded", "model:none"])
    expect(signed_in.locator("#related-facets form")).to_be_visible()  # facets that come later would be cut off


def test_invalid_query_shows_its_position(signed_in: Page, console: list[str]) -> None:
    signed_in.locator("#q").fill("statuss:failed")
    signed_in.keyboard.press("Enter")
    expect(signed_in.get_by_role("alert")).to_contain_text("did you mean")
    expect(signed_in.locator("#q")).to_have_value("statuss:failed")
    assert all("422" in message for message in console)
    console.clear()


@pytest.mark.parametrize("width", WIDTHS)
def test_every_state_is_accessible(signed_in: Page, live_server: Any, width: int) -> None:
    signed_in.set_viewport_size({"width": width, "height": 900})
    signed_in.goto(f"{live_server.url}/p/default/runs/?status=failed&sort=-duration&q=error:*")
    signed_in.locator("#rows [type=checkbox]").first.check()
    assert_accessible(signed_in)
    # without a token, which the open menu would half cover on a narrow screen
    signed_in.goto(f"{live_server.url}/p/default/runs/?q=error:*")
    signed_in.locator("#exports summary").click()
    assert_accessible(signed_in)


def test_list_works_without_scripts(browser: Any, live_server: Any, demo_project: Project) -> None:
    Membership.objects.update(role="admin")
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{live_server.url}/p/default/runs/")
    page.get_by_label("User name").fill("mira")
    page.get_by_label("Password").fill(factories.PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.locator("summary", has_text="Columns").click()
    page.locator("#columns").get_by_role("checkbox", name="Metadata").uncheck()
    page.locator("#columns").get_by_role("button", name="Apply").click()
    expect(page.locator(".runs th.c-meta")).to_have_count(0)
    page.get_by_role("columnheader", name="Duration").get_by_role("link").click()
    expect(page.locator("th.c-dur")).to_have_attribute("aria-sort", "descending")
    page.locator("#q").fill("id:run_odd")
    page.keyboard.press("Enter")
    expect(rows(page)).to_have_count(1)
    page.locator("#rows [type=checkbox]").check()
    with page.expect_download() as started:
        page.get_by_role("button", name="Export CSV").click()
    assert started.value.suggested_filename.startswith("default-1-selected-runs-")
    page.locator(".tagger summary").click()
    page.locator("#tag-names").fill("odd one")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").first).to_contain_text("Added odd-one to 1 run.")
    page.locator("#save-view summary").click()
    page.get_by_label("Name").fill("Odd")
    page.get_by_role("button", name="Save new view").click()
    page.locator("#views a", has_text="All runs").click()
    expect(rows(page)).to_have_count(9)
    page.locator("#views a", has_text="Odd").click()
    expect(rows(page)).to_have_count(1)
    page.locator("#rows [type=checkbox]").check()
    page.get_by_role("button", name="Delete…").click()
    expect(page.locator("h1")).to_have_text("Delete 1 run?")
    page.get_by_label("confirm").fill("delete")
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("status").first).to_contain_text("Deleted 1 run")
    context.close()
