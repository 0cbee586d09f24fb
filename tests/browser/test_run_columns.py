"""Browser tests of the columns of the run list: by mouse, by keyboard and by touch."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from runs.models import Project, User
from tests import factories
from tests.browser.conftest import assert_accessible, sign_in

pytestmark = pytest.mark.django_db(transaction=True)


def header(page: Page, label: str) -> Locator:
    return page.get_by_role("columnheader", name=re.compile(label))


def labels(page: Page) -> list[str]:
    return [text.strip() for text in page.locator(".runs th[data-column]").all_inner_texts()]


def middle(locator: Locator) -> tuple[float, float]:
    box = locator.bounding_box()
    assert box
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def drag(page: Page, start: Locator, x: float) -> None:
    page.mouse.move(*middle(start))
    page.mouse.down()
    page.mouse.move(middle(start)[0] + 10, middle(start)[1])
    page.mouse.move(x, middle(start)[1])
    with page.expect_response("**/runs/**"):
        page.mouse.up()


def test_headers_are_dragged_to_place_and_width(signed_in: Page) -> None:
    before = signed_in.url
    tokens, model = header(signed_in, "Tokens"), header(signed_in, "Model")
    drag(signed_in, tokens, middle(header(signed_in, "Assistant"))[0] - 20)
    expect(signed_in.locator(".runs th[data-column]").nth(1)).to_contain_text("Tokens")
    assert labels(signed_in)[:3] == ["Duration", "Tokens", "Assistant"]
    assert signed_in.url == before  # the list is not sorted by the click that ends the drag
    width = model.bounding_box()["width"]  # type: ignore[index]
    grip = model.locator(".grip")
    drag(signed_in, grip, middle(grip)[0] + 60)
    expect(model).to_have_attribute("width", re.compile(r"\d+"))
    assert abs(model.bounding_box()["width"] - width - 60) < 3  # type: ignore[index]
    signed_in.reload()
    assert labels(signed_in)[:3] == ["Duration", "Tokens", "Assistant"]
    grip.dblclick()
    expect(model).not_to_have_attribute("width", re.compile(r"\d+"))


def test_columns_are_moved_and_resized_by_keyboard(signed_in: Page) -> None:
    model = header(signed_in, "Model")
    grip = signed_in.get_by_role("separator", name="Width of Model")
    grip.focus()
    signed_in.keyboard.press("ArrowRight")
    expect(model).to_have_attribute("width", re.compile(r"\d+"))
    expect(grip).to_be_focused()
    signed_in.keyboard.press("Shift+ArrowLeft")
    expect(signed_in.locator(".runs th[data-column]").nth(1)).to_contain_text("Model")
    expect(grip).to_be_focused()
    signed_in.keyboard.press("Enter")
    expect(model).not_to_have_attribute("width", re.compile(r"\d+"))
    assert_accessible(signed_in)


def test_metadata_key_becomes_a_column(signed_in: Page, demo_project: Project, console: list[str]) -> None:
    factories.post_run(demo_project, id="run_key", metadata={"customer": "acme"})
    signed_in.locator("summary", has_text="Columns").click()
    field = signed_in.get_by_label("Metadata key")
    field.fill("nobody")
    field.press("Enter")
    expect(signed_in.get_by_role("alert")).to_contain_text("no run of the project", ignore_case=True)
    assert_accessible(signed_in)
    signed_in.get_by_label("Metadata key").fill("customer")
    signed_in.get_by_label("Metadata key").press("Enter")
    expect(header(signed_in, "customer")).to_be_visible()
    assert all("422" in message for message in console)
    console.clear()


def test_columns_are_moved_by_touch(browser: Browser, live_server: Any, demo_project: Project) -> None:
    context = browser.new_context(has_touch=True, viewport={"width": 1024, "height": 800})
    page = context.new_page()
    sign_in(page, live_server.url, User.objects.get(username="mira"))
    page.goto(f"{live_server.url}/p/default/runs/")
    page.locator("summary", has_text="Columns").tap()
    page.get_by_role("button", name="Move Model forward").tap()
    expect(page.locator(".runs th[data-column]").nth(1)).to_contain_text("Model")
    expect(page.get_by_role("button", name="Move Model forward")).to_be_visible()
    context.close()
