"""Ids and names that look like paths, in a browser, which resolves addresses in its own way.

Beside the project, another one has records of the same names: nothing that the pages of the first offer changes it.
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
from django.db import connection
from django.urls import reverse
from playwright.sync_api import Page, Response, expect

from runs.models import ErrorGroup, Membership, Project, Run
from runs.team.comments import add_comment
from tests import factories
from tests.browser.conftest import sign_in
from tests.test_hostile_addresses import LISTS, post_records
from tests.test_hostile_forms import build_count_of_rows

pytestmark = pytest.mark.django_db(transaction=True)

NAMES = ("..", "../../../logout", "a.json?#\\..\\..\\logout")
RECORD_PAGES = ("/runs/", "/threads/", "/assistants/", "/tools/", "/errors/")

FIND_ADDRESSES = """() => {
  const attributes = ["href", "action", "formaction", "hx-get", "hx-post"];
  const elements = [...document.querySelectorAll(attributes.map((name) => `body [${name}]`).join())];
  const resolve = (value) => new URL(value, document.baseURI).href;
  const resolveAll = (element) => attributes.filter((name) => element.hasAttribute(name)).map(
    (name) => [element.matches("a, [hx-get]"), resolve(element.getAttribute(name))]);
  return elements.flatMap(resolveAll);
}"""
FETCH = "async (url) => { const got = await fetch(url); return [got.status, got.url]; }"
COUNT_FORMS = "document.querySelectorAll('main form[method=post]').length"
IS_NATIVE = "(index) => !document.querySelectorAll('main form[method=post]')[index].hasAttribute('hx-post')"
SUBMIT = """([index, text]) => {
  const form = document.querySelectorAll("main form[method=post]")[index];
  const skipped = "[type=hidden], [type=checkbox], [type=radio], [type=datetime-local]";
  for (const field of form.querySelectorAll(`input:not(${skipped}), textarea`)) {
    field.value ||= { confirm: "delete", tag: "urgent" }[field.name] ?? text;
  }
  form.requestSubmit(form.querySelector("button:not([type=button])"));
}"""


@pytest.fixture
def site(page: Page, live_server: Any, transactional_db: None, console: list[str]) -> str:
    """The URL of a project with hostile records. An administrator of it and of the other project is signed in."""
    project, other = factories.make_project(), factories.make_project("other")
    admin = factories.make_user(project, "admin", name="mira")
    Membership.objects.create(project=other, user=admin, role="admin")
    for number, name in enumerate(NAMES):
        post_records(project, name, f"stored{number}")
        post_records(other, name, f"other{number}")
        for run in Run.objects.filter(external_id=name):
            add_comment(run, admin, name)
    sign_in(page, live_server.url, admin)
    return f"{live_server.url}/p/default/"


def find_addresses(page: Page, site: str) -> set[str]:
    """Return the links of a page into the project. Other addresses must be those that every page has."""
    addresses = page.evaluate(FIND_ADDRESSES)
    outside = {urlsplit(url).path for _, url in addresses if not url.startswith(site)}
    assert outside <= {"/", "/logout/", "/account/password/", "/status/", "/p/other/runs/"}, (page.url, outside)
    return {url for is_link, url in addresses if is_link and url.startswith(site)}


def test_every_link_stays_in_the_project(page: Page, site: str) -> None:
    waiting = [site + path for path in LISTS]
    seen: set[str] = set()
    while waiting:
        page.goto(waiting.pop())
        for url in sorted(find_addresses(page, site)):
            path = urlsplit(url).path
            if path in seen:
                continue
            seen.add(path)
            status, final_url = page.evaluate(FETCH, url)
            assert (status, final_url.startswith(site)) == (200, True), (page.url, url)
            if path.endswith("/") and path.count("/") > 4:
                waiting.append(url)
    kinds = [
        sum(path.startswith(f"/p/default{kind}") and path.count("/") > 4 for path in seen) for kind in RECORD_PAGES
    ]
    assert min(kinds) >= len(NAMES), kinds


def query_row(sql: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchone()


@pytest.mark.parametrize("name", NAMES[:2])
def test_forms_only_affect_their_project(page: Page, site: str, name: str) -> None:
    project, other = Project.objects.order_by("slug")
    run = project.record_id(name)
    paths = [reverse(kind, args=["default", name]) for kind in ("assistant", "run", "thread")]
    paths[1:1] = [reverse("error-group", args=["default", ErrorGroup.objects.filter(project=project)[0].pk])]
    count_rows = build_count_of_rows(other, str(other.record_id(name)))
    before = query_row(count_rows)
    responses = []
    for path in paths:
        page.goto(urljoin(site, path))
        for index in reversed(range(page.evaluate(COUNT_FORMS))):  # those that delete come first, and ask
            responses.append(submit_form(page, index, name))
            page.goto(urljoin(site, path))
    page.get_by_role("button", name="Delete…").click()
    expect(page.get_by_label("confirm")).to_be_visible()
    responses.append(submit_form(page, 0, name))
    page.wait_for_url("**/threads/")

    paths = [response.url.removeprefix(site) for response in responses]
    assert [(r.url, r.status) for r in responses if r.status not in (200, 302)] == []
    assert not [path for path in paths if path.startswith("http")]
    assert {path.partition("/")[0] for path in paths} >= {"names", "errors", "runs", "comments", "delete", "threads"}, (
        paths
    )
    assert query_row(count_rows) == before, paths
    assert not Run.objects.filter(pk=run).exists()


def submit_form(page: Page, index: int, text: str) -> Response:
    is_native = page.evaluate(IS_NATIVE, index)
    navigation = page.expect_navigation() if is_native else nullcontext()
    with page.expect_response(lambda response: response.request.method == "POST") as responses, navigation:
        page.evaluate(SUBMIT, [index, text])
    return responses.value
