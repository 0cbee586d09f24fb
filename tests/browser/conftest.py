"""Fixtures for tests with Chromium, driven by Playwright.

The tests are skipped on machines without a browser, but never in CI.
"""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.test import Client
from playwright.sync_api import ConsoleMessage, Page

from runs.models import Project, User
from tests import factories

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
# Playwright runs an event loop in this thread, beside which Django would refuse to query the database.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")

MAX_WAIT_SECONDS = 10.0
WIDTHS = (1440, 375)  # of a desk and of a phone
RULES = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
RULES_OF_COLORS = {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here) and CHROMIUM is None and not os.environ.get("CI"):
            item.add_marker(pytest.mark.skip(reason="no chromium on this machine"))


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    quiet = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
    return browser_type_launch_args | {"executable_path": CHROMIUM, "args": quiet}


@pytest.fixture(autouse=True)
def finish_requests(transactional_db: None) -> Iterator[None]:
    """Wait for requests that still run when the browser is closed: emptying the tables would deadlock with them.

    The live server has a thread for each connection, which ends with it.
    """
    yield
    deadline = time.monotonic() + MAX_WAIT_SECONDS
    while any("process_request_thread" in thread.name for thread in threading.enumerate()):
        if time.monotonic() > deadline:
            return
        time.sleep(0.02)


@pytest.fixture
def demo_project(transactional_db: None) -> Project:
    """A project with all kinds of runs."""
    project = factories.make_project()
    factories.make_user(project, name="mira")
    runs = build_old_runs(6)
    failed = factories.failed_run(id="run_failed", message="Rate limit reached for gpt-4o in organization org-1.")
    waiting = factories.waiting_run("issue_refund", id="run_waiting")
    odd = factories.run_object(id="run_odd", status="paused_by_vendor", completed_at=None, vendor_field={"a": 1.0})
    report = factories.post(project, *runs, failed, waiting, odd)
    assert not report.errors
    call = factories.function_call("search_orders", output='{"orders": [1, 2, 3]}')
    factories.post_steps(project, factories.step_object(failed, call), factories.step_object(failed))
    return project


@pytest.fixture
def many_runs(demo_project: Project) -> None:
    """Runs that bring the demo project to 63, which are two pages."""
    assert not factories.post(demo_project, *build_old_runs(54)).errors


def build_old_runs(count: int) -> list[dict[str, Any]]:
    """Return completed runs, older than the others of the demo project."""
    long_ago = factories.NOW - 3 * 86400
    return [factories.run_object(created_at=long_ago + 60 * number) for number in range(count)]


@pytest.fixture
def console(page: Page) -> Iterator[list[str]]:
    """Errors and warnings on the console. A test removes those that it expects; no others may remain."""
    console_messages: list[str] = []

    def listen(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            console_messages.append(message.text)

    page.on("console", listen)
    page.on("pageerror", lambda error: console_messages.append(str(error)))
    yield console_messages
    assert console_messages == []


@pytest.fixture
def signed_in(page: Page, live_server: Any, demo_project: Project, console: list[str]) -> Page:
    """The run list in a browser in which a member is signed in."""
    sign_in(page, live_server.url, User.objects.get(username="mira"))
    page.goto(f"{live_server.url}/p/default/runs/")
    return page


def sign_in(page: Page, url: str, user: User) -> None:
    """Give the browser the session of a login."""
    client = Client()
    client.force_login(user)
    name = settings.SESSION_COOKIE_NAME
    page.context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": url}])


def assert_accessible(page: Page) -> None:
    """Check WCAG 2.2 AA and the best practices of axe, in the light scheme, and the rules of colors in the dark one."""
    for scheme, rules in (("light", RULES), ("dark", RULES_OF_COLORS)):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        results = Axe().run(page, options={"runOnly": rules, "resultTypes": ["violations"]})
        assert results.violations_count == 0, f"{scheme}: {results.generate_report()}"
    page.emulate_media(color_scheme="light")
