"""The snippets of the connect page, as a reader copies them."""

from __future__ import annotations

from django.test import Client
from pytest_django.live_server_helper import LiveServer

from runs.models import Project
from tests import factories
from tests.pages import Page

URL = "/p/default/connect/"


def read_snippet(page: Page, label: str) -> str:
    """Return what a reader copies: the text of the code block with that label."""
    block = next(element for element in page.iterate() if element.tag == "pre" and element.get("aria-label") == label)
    return block.raw_text


def open_guide(live_server: LiveServer, project: Project, guide: str) -> Page:
    """Return the page with the address of the live server."""
    client = Client()
    client.force_login(factories.make_user(project))
    return Page(client.get(URL, {"guide": guide}, headers={"Host": live_server.url.removeprefix("http://")}))
