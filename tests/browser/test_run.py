"""The run page in a browser: content that is fetched on demand, keys, comments, polling, and accessibility."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from runs.models import Project, Run, User
from runs.team import comments
from tests import factories
from tests.browser.conftest import WIDTHS, assert_accessible, sign_in
from tests.runs.traces.spans import agent, ingest_otlp, otel_span, tool


@pytest.fixture
def long_run(demo_project: Project) -> dict[str, Any]:
    """A failed run with hidden steps, an invalid call, two versions, a changed configuration, and a comment."""
    older = factories.run_object(instructions="Be brief.", model="gpt-4o")
    run = factories.run_object(id="run_long", status="in_progress", completed_at=None, usage=None, model="gpt-4o")
    usage = {"prompt_tokens": 1200, "completion_tokens": 300, "total_tokens": 1500}
    ended = factories.failed_run() | {
        name: run[name] for name in ("id", "created_at", "started_at", "thread_id", "model")
    }
    for posted in (older, run, ended | {"usage": usage}):
        assert not factories.post(demo_project, posted).errors
    calls = [factories.function_call("search_orders", output=f"output {number}") for number in range(60)]
    steps = [factories.step_object(run, call) for call in calls]
    invalid = factories.step_object(run, factories.function_call("search_orders", '{"order": 3}'))
    rejected = factories.step_object(run, factories.function_call("search_orders", output='{"error": "no such order"}'))
    factories.post_steps(demo_project, *steps, invalid, rejected)
    stored = Run.objects.get(pk=demo_project.record_id(run["id"]))
    comments.add_comment(stored, User.objects.get(username="mira"), "Known outage of the **warehouse**.")
    return run


def open_run(page: Page, live_server: Any, run: dict[str, Any], query: str = "") -> Page:
    sign_in(page, live_server.url, User.objects.get(username="mira"))
    page.goto(f"{live_server.url}/p/default/runs/{run['id']}/{query}")
    return page


def test_content_is_fetched_on_demand(
    page: Page, live_server: Any, long_run: dict[str, Any], console: list[str]
) -> None:
    open_run(page, live_server, long_run)
    row = page.locator("#timeline li", has=page.locator("#row-20"))
    expect(page.get_by_text("output 19")).to_have_count(0)
    row.locator("summary").first.click()
    expect(row.locator("pre", has_text="output 19")).to_be_visible()
    page.locator("#change > summary").click()
    expect(page.locator("#change del").first).to_be_visible()
    page.locator("#history").get_by_role("link", name="Diff").click()
    expect(page.locator("#version-diff")).to_contain_text("From version 1 to 2")
    page.locator("#timeline").get_by_role("link", name="more steps").click()
    expect(page.locator("#timeline summary .what")).to_have_count(62)


@pytest.fixture
def large_run(demo_project: Project) -> dict[str, Any]:
    """A run that is too large for its page to read it as a whole at first. Only one call late in it has failed."""
    run = factories.run_object(id="run_large", tools=[factories.function_tool("search")])
    factories.post(demo_project, run)
    steps = [
        factories.step_object(
            run,
            *(factories.function_call(f"search_{part}", output=f"output {n}.{part}") for part in range(1, 4)),
            id=f"step_{n}",
            created_at=run["created_at"] + n,
        )
        for n in range(1, 251)
    ]
    steps[229]["step_details"]["tool_calls"][1]["function"]["output"] = '{"error": "no such order"}'
    factories.post_steps(demo_project, *steps)
    return run


def test_everything_of_large_run_is_reachable(
    page: Page, live_server: Any, large_run: dict[str, Any], console: list[str]
) -> None:
    open_run(page, live_server, large_run)
    tree = page.get_by_role("tree", name="Steps")
    for count in (151, 250):  # and the link to more
        page.get_by_role("link", name="more steps").first.click()
        expect(tree.locator("> li[aria-level='1']")).to_have_count(count)
    last = tree.locator("#step_250")
    last.focus()
    page.keyboard.press("ArrowRight")
    call = tree.locator("#step_250-3")
    call.locator("summary").click()
    expect(call.get_by_text("output 250.3")).to_be_visible()

    page.get_by_role("searchbox", name="Name contains").fill("search_2")
    expect(page.locator("#timeline").get_by_text("250 of 1,000")).to_be_visible()
    page.locator("#errors").scroll_into_view_if_needed()
    expect(page.locator("#errors").get_by_text("no such order")).to_be_visible()
    page.locator("#tools").scroll_into_view_if_needed()
    tools = page.get_by_role("region", name="Configured and called tools")
    expect(tools.get_by_role("row", name="search_3")).to_contain_text("250")
    assert_accessible(page)


@pytest.mark.parametrize("is_open", [False, True])
def test_anchor_opens_late_call(
    page: Page, live_server: Any, large_run: dict[str, Any], console: list[str], is_open: bool
) -> None:
    open_run(page, live_server, large_run, "" if is_open else "#step_240-2")
    if is_open:
        page.evaluate("location.hash = 'step_240-2'")
    call = page.locator("#step_240-2")
    expect(call.get_by_text("output 240.2")).to_be_in_viewport()
    expect(page.locator("#step_240")).to_have_attribute("aria-expanded", "true")


def test_tree_is_folded_and_walked_by_keyboard(page: Page, live_server: Any, demo_project: Project) -> None:
    root = agent("planner", members={"name": "planner"})
    spans = [tool(f"tool {n}", root, start=n, members={"name": f"tool {n}"}) for n in range(30)]
    below = [otel_span(None, span, members={"name": "GET"}) for span in spans for _ in range(3)]
    ingest_otlp(demo_project, root, *spans, *below)
    open_run(page, live_server, {"id": f"trace_{root['traceId']}_{root['spanId']}"})
    tree = page.get_by_role("tree", name="Spans")
    first, last = tree.get_by_role("treeitem").first, tree.get_by_role("treeitem", name="tool 29")
    first.focus()
    page.keyboard.press("ArrowDown")
    expect(tree.get_by_role("treeitem", name="tool 0")).to_be_focused()
    page.keyboard.press("End")
    expect(last).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(last).to_have_attribute("aria-expanded", "true")
    expect(tree.get_by_role("treeitem").last).to_have_attribute("aria-level", "3")
    page.keyboard.press("ArrowLeft")
    expect(last).to_have_attribute("aria-expanded", "false")
    page.keyboard.press("Enter")
    expect(last.get_by_text("Attributes (2)")).to_be_visible()
    page.keyboard.press("Home")
    expect(first).to_be_focused()
    page.keyboard.press("ArrowLeft")
    expect(tree.get_by_role("treeitem")).to_have_count(1)
    page.keyboard.press("ArrowRight")
    expect(last).to_be_visible()
    assert tree.locator("> [tabindex='0']").count() == 1
    last.locator("summary", has_text="Attributes").click()
    assert_accessible(page)


def test_timeline_is_zoomed_by_dragging(page: Page, live_server: Any, demo_project: Project) -> None:
    root = agent("planner", members={"name": "planner"}, start=0)
    spans = [tool(f"tool {n}", root, start=n * 10, members={"name": f"tool {n}"}) for n in range(10)]
    ingest_otlp(demo_project, root, *spans)
    open_run(page, live_server, {"id": f"trace_{root['traceId']}_{root['spanId']}"})
    box = page.locator("#timeline .axis").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 0.48, box["y"] + 5)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.7, box["y"] + 5, steps=4)
    page.mouse.up()
    expect(page.get_by_role("treeitem")).to_have_count(3)
    expect(page.get_by_role("treeitem", name="tool 5")).to_be_visible()
    page.get_by_role("link", name="Zoom out").click()
    expect(page.get_by_role("treeitem")).to_have_count(11)


@pytest.mark.parametrize("width", WIDTHS)
def test_page_is_accessible(
    page: Page, live_server: Any, long_run: dict[str, Any], console: list[str], width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    open_run(page, live_server, long_run, "?full=change&from=0&to=1&find=search&list=status%3Dfailed")
    page.locator("#comments summary", has_text="Edit").click()
    page.locator("#raw a.k", has_text="/tools").last.click()
    expect(page.locator("#raw .at")).to_be_visible()
    assert_accessible(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_raw_json_is_searched_and_copied(
    page: Page, live_server: Any, long_run: dict[str, Any], console: list[str]
) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    open_run(page, live_server, long_run)
    page.get_by_label("Find in the raw JSON").fill("find their ORDERS")
    expect(page.locator("#raw-tree mark")).to_have_text("find their orders")
    expect(page.get_by_label("Find in the raw JSON")).to_be_focused()
    page.get_by_label("Find in the raw JSON").fill("")
    expect(page.locator("#raw-tree mark")).to_have_count(0)
    page.locator("#raw summary", has_text="metadata").click()
    page.locator("#raw a.k", has_text="customer").click()
    for label, copied in (("Copy path", "/metadata/customer"), ("Copy value", "acme")):
        page.get_by_role("button", name=label).click()
        page.wait_for_function("text => navigator.clipboard.readText().then((copied) => copied === text)", arg=copied)
    page.locator("#raw a.k", has_text="customer").click()
    expect(page.locator("#raw .at")).to_have_count(0)


def test_comments_are_edited_in_place(
    page: Page, live_server: Any, long_run: dict[str, Any], console: list[str]
) -> None:
    open_run(page, live_server, long_run)
    comments_list = page.locator("#comments ol > li")
    page.get_by_label("Add a comment").fill("Fixed *since* then.")
    page.get_by_role("button", name="Comment", exact=True).click()
    expect(comments_list).to_have_count(2)
    expect(comments_list.last.locator("em")).to_have_text("since")
    comments_list.last.locator("summary", has_text="Edit").click()
    comments_list.last.get_by_label("Comment").fill("Fixed.")
    comments_list.last.get_by_role("button", name="Save").click()
    expect(comments_list.last).to_contain_text("edited")
    comments_list.last.locator("summary", has_text="Delete").click()
    comments_list.last.get_by_role("button", name="Delete comment").click()
    expect(comments_list).to_have_count(1)


def test_keys_open_neighbours_in_the_list(
    page: Page, live_server: Any, long_run: dict[str, Any], console: list[str]
) -> None:
    sign_in(page, live_server.url, User.objects.get(username="mira"))
    page.goto(f"{live_server.url}/p/default/runs/?status=failed")
    page.locator("#rows a[title=run_failed]").click()
    expect(page.locator("h1")).to_contain_text("run_failed")
    page.keyboard.press("k")
    expect(page.locator("h1")).to_contain_text("run_long")
    page.keyboard.press("j")
    expect(page.locator("h1")).to_contain_text("run_failed")
    page.get_by_role("navigation", name="Runs in the list").get_by_role("link", name="Previous").click()
    expect(page.locator("h1")).to_contain_text("run_long")
    page.get_by_role("list", name="Breadcrumb").get_by_role("link", name="Runs").click()
    expect(page).to_have_url(f"{live_server.url}/p/default/runs/?status=failed")


def test_active_run_is_polled_until_it_ends(
    page: Page, live_server: Any, demo_project: Project, console: list[str]
) -> None:
    now = int(time.time())
    active = factories.run_object(created_at=now - 5, started_at=now - 4, status="in_progress", completed_at=None)
    assert not factories.post(demo_project, active | {"usage": None}).errors
    open_run(page, live_server, active)
    page.locator("#comments textarea").fill("a draft")
    expect(page.locator("#run-header")).to_contain_text("so far")
    assert not factories.post(demo_project, active | {"status": "completed", "completed_at": now}).errors
    expect(page.locator("#run-header h1")).to_contain_text("Completed", timeout=10_000)
    expect(page.locator("#run-header")).not_to_have_attribute("hx-get", re.compile("."))
    expect(page.locator("#history")).to_contain_text("In progress → Completed")
    expect(page.locator("#comments textarea")).to_have_value("a draft")
    expect(page.locator("#comments textarea")).to_be_focused()


def test_live_run_is_updated_in_place(page: Page, live_server: Any, demo_project: Project, console: list[str]) -> None:
    now = int(time.time())
    run = factories.run_object(
        created_at=now - 60,
        started_at=now - 59,
        completed_at=None,
        usage=None,
        status="in_progress",
        expires_at=now + 600,
    )
    steps = [
        factories.step_object(run, factories.function_call("search_orders", output=f"output {n}")) for n in range(9)
    ]
    factories.post(demo_project, run)
    factories.post_steps(demo_project, *steps)
    open_run(page, live_server, run)
    row = page.locator("#timeline li", has=page.locator("#row-3"))
    row.locator("summary").first.click()
    expect(row.locator("pre", has_text="output 2")).to_be_visible()
    page.locator("#errors summary").click()
    draft = page.get_by_label("Add a comment")
    draft.fill("Half a thought")
    page.evaluate("document.getElementById('instructions').scrollIntoView()")
    draft.blur()
    page.evaluate("getSelection().selectAllChildren(document.querySelector('#instructions h2'))")
    instructions = page.locator("#instructions h2")
    top = instructions.evaluate("element => element.getBoundingClientRect().top")

    error = {"code": "server_error", "message": "Broken."}
    factories.post_steps(demo_project, factories.step_object(run))
    factories.post(demo_project, run | {"status": "failed", "failed_at": now, "last_error": error})
    expect(page.locator("h1")).to_contain_text("Failed")
    expect(page).to_have_title(re.compile(r"^Failed run_"))
    expect(page.locator("#errors")).to_contain_text("server_error")
    sections = page.get_by_role("navigation", name="Sections")
    expect(sections.get_by_role("link", name="Errors 1")).to_be_visible()
    expect(sections.get_by_role("link", name="Timeline 10 steps")).to_be_visible()
    expect(sections.get_by_role("link").first).to_have_text(re.compile("Errors"))
    expect(page.locator("#run-header")).not_to_have_attribute("hx-get", re.compile("."))
    expect(row.locator("pre", has_text="output 2")).to_be_visible()
    expect(draft).to_have_value("Half a thought")
    assert abs(instructions.evaluate("element => element.getBoundingClientRect().top") - top) < 2
    assert page.evaluate("String(getSelection())") == "Instructions"


def test_identity_stays_in_view(page: Page, live_server: Any, long_run: dict[str, Any], console: list[str]) -> None:
    for width in (1440, 375):
        page.set_viewport_size({"width": width, "height": 800})
        open_run(page, live_server, long_run)
        page.locator("#history").scroll_into_view_if_needed()
        expect(page.locator("h1")).to_be_in_viewport()
        expect(page.locator("h1")).to_contain_text("run_long")


def test_find_moves_from_match_to_match(
    page: Page, live_server: Any, long_run: dict[str, Any], console: list[str]
) -> None:
    open_run(page, live_server, long_run)
    field = page.get_by_label("Find in the raw JSON")
    field.fill("type")
    position, current = page.locator("#find-position"), page.locator("#raw-tree mark[data-current]")
    expect(position).to_have_text(re.compile(r"^1 of \d+$"))
    expect(current).to_be_in_viewport()
    page.get_by_role("button", name="Next match").click()
    expect(position).to_have_text(re.compile("^2 of"))
    field.press("Enter")
    expect(position).to_have_text(re.compile("^3 of"))
    field.press("Shift+Enter")
    page.get_by_role("button", name="Previous match").click()
    page.get_by_role("button", name="Previous match").click()
    last = position.inner_text().split()
    assert last[0] == last[2]
    expect(current).to_be_in_viewport()
    expect(field).to_be_in_viewport()
