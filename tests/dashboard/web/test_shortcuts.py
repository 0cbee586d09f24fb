"""The list of shortcuts agrees with the keys that scripts handle and the elements that templates mark."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from django.conf import settings
from django.test import Client

from dashboard.web.navigation import NAVIGATION_ENTRIES
from dashboard.web.shortcuts import KEYS_BY_NAME, SHORTCUTS
from runs.models import Project
from tests import factories
from tests.pages import Page

SCRIPTS = sorted((settings.BASE_DIR / "static/js").glob("*.js"))
TEMPLATES = sorted((settings.BASE_DIR / "templates").rglob("*.html"))
# `key === "Escape"`, `case "Tab":`, and the keys of objects that are indexed by a key
COMPARISONS = re.compile(r'\bkey(?:\.toLowerCase\(\))? (?:===|!==) "([^"]+)"|\bcase "([^"]+)"')
HANDLERS = re.compile(r"const (?:KEYS|ROWS|LINKS) = \{(.*?)\}\n?;|\{([^{}]*)\}\[event\.key\]", re.DOTALL)
HANDLED = re.compile(r'(?:^|,)\s*"?([A-Za-z]+|[\[\] ])"?(?=[:(])', re.MULTILINE)


def find_handled_keys() -> Iterator[str]:
    for path in SCRIPTS:
        text = path.read_text()
        for match in COMPARISONS.finditer(text):
            yield match[1] or match[2]
        for match in HANDLERS.finditer(text):
            yield from HANDLED.findall(match[1] or match[2])


def test_scripts_handle_the_listed_keys() -> None:
    handled = set(find_handled_keys())
    listed = {key.removeprefix("Control+"): shortcut for shortcut in SHORTCUTS for key in shortcut.keys}
    assert handled <= listed.keys()
    # Those with a name are handled by the attribute of their element.
    assert {key for key, shortcut in listed.items() if not shortcut.name} <= handled


def test_templates_mark_elements_by_name_only() -> None:
    texts = {str(path): path.read_text() for path in TEMPLATES}
    assert [name for name, text in texts.items() if "data-key=" in text] == []
    named = {name for text in texts.values() for name in re.findall(r'(?:\{% |)shortcut[ =]"([^"]+)"', text)}
    by_variable = {entry.url_name for entry in NAVIGATION_ENTRIES} | {"resolved", "ignored", "open"}
    assert named <= KEYS_BY_NAME.keys()
    assert KEYS_BY_NAME.keys() <= named | by_variable


@pytest.mark.django_db
def test_elements_tell_their_keys(member_client: Client, project: Project) -> None:
    factories.post_run(project)
    page = Page(member_client.get("/p/default/runs/"))
    query = page.field("Query")
    assert (query.get("data-key"), query.get("aria-keyshortcuts")) == ("/", "/")
    link = page.navigation("Main").link("Runs")
    assert (link.get("data-key"), link.get("aria-keyshortcuts")) == ("g r", None)


@pytest.mark.django_db
def test_help_lists_every_shortcut(member_client: Client) -> None:
    page = Page(member_client.get("/p/default/runs/"))
    dialog = page.find("dialog", "Keyboard shortcuts", hidden=True)
    labels = [element.text for element in dialog.find_all("definition", hidden=True)]
    assert labels == [shortcut.label for shortcut in SHORTCUTS]
