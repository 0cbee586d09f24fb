"""A site below a path of its host: every address that a page contains begins with that path."""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Iterator
from html import unescape

import pytest
from django.test import Client
from django.urls import Resolver404, clear_script_prefix, resolve, set_script_prefix

from tests import factories

PREFIX = "/runglass"
ADDRESS = re.compile(r"""\b(?:href|src|action|(?:hx|data)-(?!key)[a-z-]+)="(/[^"]*)\"""")
MAX_PAGES_OF_A_VIEW = 2


@pytest.fixture(autouse=True)
def sub_path(settings) -> Iterator[None]:
    set_script_prefix(f"{PREFIX}/")  # as the WSGI handler does, unlike the client of tests
    settings.FORCE_SCRIPT_NAME = PREFIX
    settings.SITE_PATH, settings.STATIC_URL = f"{PREFIX}/", f"{PREFIX}/static/"
    settings.SESSION_COOKIE_PATH = settings.CSRF_COOKIE_PATH = PREFIX
    yield
    clear_script_prefix()


@pytest.fixture
def admin(project) -> Client:
    """A client of an administrator, in a project with something of everything."""
    run = factories.failed_run(tools=[factories.function_tool("get_order")])
    factories.post(project, run, factories.waiting_run("get_order"))
    factories.post_steps(project, factories.step_object(run, factories.function_call("get_order")))
    factories.post_messages(project, factories.message_object(run))
    client = Client()
    client.force_login(factories.make_user(project, "admin"))
    return client


def crawl(client: Client, start: str) -> Iterator[tuple[str, str]]:
    """Follow the addresses of pages, and yield each page with the address of its own."""
    visits: Counter[str] = Counter()
    waiting, known = deque([start]), {start}
    while waiting:
        address = waiting.popleft()
        path = re.split("[?#]", address)[0].removeprefix(PREFIX)
        try:
            view = str(resolve(path).url_name)
        except Resolver404:
            continue  # a static file
        visits[view] += 1
        if visits[view] > MAX_PAGES_OF_A_VIEW:
            continue
        response = client.get(address.removeprefix(PREFIX))
        if response.status_code == 302:
            found = [response.headers["Location"]]
        else:
            page = b"".join(response) if response.streaming else response.content
            found = [unescape(text) for text in ADDRESS.findall(page.decode())]
        yield from ((address, text) for text in found)
        waiting.extend(text for text in found if text not in known and text.startswith(PREFIX))
        known.update(found)


@pytest.mark.django_db
def test_all_addresses_begin_with_the_path(admin) -> None:
    found = list(crawl(admin, f"{PREFIX}/"))
    assert {pair for pair in found if not pair[1].startswith(f"{PREFIX}/")} == set()
    views = {view for _, text in found if (view := _find_view(text))}
    expected = {"runs", "run", "thread", "assistant", "tool", "errors", "usage", "actions", "connect", "settings"}
    assert expected | {"prices", "audit-log", "new-runs", "query-completions", "saved-views"} <= views


def _find_view(address: str) -> str | None:
    try:
        return resolve(re.split("[?#]", address)[0].removeprefix(PREFIX)).url_name
    except Resolver404:
        return None


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/login/", "/api/v1/docs", "/nothing/", "/p/default/runs/?q=%00", "/p/default/\0/"])
def test_strangers_pages_begin_with_the_path(client, path: str) -> None:
    texts = ADDRESS.findall(client.get(path, follow=False).content.decode())
    assert all(text.startswith(f"{PREFIX}/") for text in texts)


@pytest.mark.django_db
def test_redirects_and_cookies_have_the_path(client, project) -> None:
    assert client.get("/p/default/runs/").headers["Location"] == f"{PREFIX}/login/?next={PREFIX}/p/default/runs/"
    user = factories.make_user(project)
    client.get("/login/")
    response = client.post("/login/", {"username": user.username, "password": factories.PASSWORD})
    assert response.headers["Location"] == f"{PREFIX}/"
    client.get("/p/default/runs/")
    assert len(client.cookies) >= 3
    assert {morsel["path"] for morsel in client.cookies.values()} == {PREFIX}


@pytest.mark.django_db
def test_snippets_have_the_whole_address(admin) -> None:
    assert f"http://testserver{PREFIX}/api/v1/runs" in admin.get("/p/default/connect/").content.decode()


def test_errors_of_the_api_stay_json(client) -> None:
    assert client.get("/api/v1/nothing").headers["Content-Type"] == "application/json"
    assert client.get("/v1/\0").headers["Content-Type"] == "application/json"
