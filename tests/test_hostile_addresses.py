"""Ids and names that look like paths: no link or form of any page leads elsewhere."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from django.apps import apps
from django.test import Client
from django.urls import resolve

from runs.models import Message, Project, Run, RunStep
from tests import factories
from tests.pages import Page

# Accepted as ids and as names.
ODD_NAMES = ["runs", "a.json", "x.csv", "tags", "%2F", "%2e%2e", "a b", "ü 😀", "?#;+&", "~2F", "~", "..\\..\\logout"]
# Accepted as names of tools and the like. As ids they are refused now, but may have been stored by earlier versions.
PATH_NAMES = [".", "..", "../../../logout", "/", "//host", "line\nbreak"]
# Addresses of pages that name no record, and lead to those that do.
LISTS = ("runs/", "threads/", "assistants/", "tools/", "errors/", "actions/", "usage/", "views/")


def post_records(project: Project, name: str, stored: str = "stored") -> None:
    """Store a run, a step and a message whose ids and names are all `name`, as if ids were not restricted.

    They are posted with the id `stored`, which is changed then.
    """
    tools = [factories.function_tool(name), {"type": name or "none"}]
    run = factories.failed_run(name, name, id=stored, thread_id=stored, assistant_id=stored, tools=tools)
    run |= {"model": name, "metadata": {name: name}}
    assert not factories.post(project, run).errors
    calls = [factories.function_call(name), {"type": name, "id": name}]
    assert not factories.post_steps(project, factories.step_object(run, *calls, id=stored)).errors
    factories.post_messages(project, factories.message_object(run))
    for model in apps.get_app_config("runs").get_models():
        columns = {field.name for field in model._meta.concrete_fields}
        for column in {"assistant_id", "thread_id"} & columns:
            model._default_manager.filter(**{column: stored}).update(**{column: name})
    key = project.record_id(name)
    RunStep.objects.filter(run_external_id=stored).update(run_id=key, external_id=name, run_external_id=name)
    Message.objects.filter(run_external_id=stored).update(run_external_id=name)
    Run.objects.filter(external_id=stored).update(id=key, external_id=name)


def resolve_as_browser(path: str) -> str:
    """Return the path that a browser requests: it resolves `.` and `..`, also if they are percent-encoded."""
    segments: list[str] = []
    for segment in path.replace("\\", "/").split("/")[1:]:
        plain = segment.lower().replace("%2e", ".")
        if plain == "..":
            del segments[-1:]
        elif plain != ".":
            segments.append(segment)
    return "/" + "/".join(segments)


def find_addresses(response: Any) -> set[str]:
    """Return the addresses in all attributes of a page that a browser or a script requests."""
    html = response.content.decode()
    pattern = r'\b(?:href|action|formaction|hx-get|hx-post|data-[a-z-]*url|data-zoom|data-suggest)="(/[^"#]*)'
    return {address.replace("&amp;", "&") for address in re.findall(pattern, html)}


@pytest.mark.parametrize("name", [*ODD_NAMES, *PATH_NAMES])
def test_every_address_of_a_record_stays_in_place(project: Project, name: str) -> None:
    post_records(project, name)
    client = Client()
    client.force_login(factories.make_user(project, "admin"))
    seen: set[str] = set()
    waiting = [f"/p/default/{path}" for path in LISTS]
    is_found = False
    while waiting:
        page = waiting.pop()
        response = client.get(page)
        assert response.status_code == 200, page
        for address in find_addresses(response):
            path = urlsplit(address).path
            if path in seen or path.startswith("/static/"):
                continue
            seen.add(path)
            assert resolve_as_browser(path) == path, (page, address)
            # a server sees the decoded path
            match = resolve(unquote(path))
            values = [value for key, value in match.kwargs.items() if key.endswith(("_id", "tool_name", "tool_type"))]
            assert all(
                str(value) in (name, "function") or match.url_name.startswith(("error", "set")) for value in values
            )
            if values and match.url_name in ("run", "thread", "assistant", "tool"):
                is_found = True
                waiting.append(path)
            elif match.url_name == "run-json":
                assert client.get(path).status_code == 200, path
    assert is_found
    names = {resolve(unquote(path)).url_name for path in seen}
    assert names >= {"run", "thread", "assistant", "tool", "run-comments", "run-tags", "thread-delete", "run-json"}


def test_forms_carry_their_project(project: Project) -> None:
    post_records(project, "..")
    factories.make_key(project)
    client = Client()
    client.force_login(factories.make_user(project, "admin"))
    for path in (*LISTS, "settings/", "settings/prices/", "runs/~2E./", "threads/~2E./", "assistants/~2E./"):
        html = client.get(f"/p/default/{path}").content.decode()
        forms = re.findall(r'<form[^>]*method="post"[^>]*action="/p/.*?</form>', html, re.DOTALL)
        for form in forms:
            assert 'name="form_project" value="default"' in form, (path, form)
        assert Page(html)
