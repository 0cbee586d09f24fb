"""The connect page: its snippets work as they stand, and it waits for the first run."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys

import pytest
from django.test import Client

from runs.models import Run
from tests import factories
from tests.pages import Page

URL = "/p/default/connect/"
POLL = {"HX-Request": "true", "HX-Target": "waiting"}
RESTORE = POLL | {"HX-History-Restore-Request": "true"}


def snippet(page: Page, label: str) -> str:
    """Return what a reader copies: the text of the code block with that label."""
    block = next(element for element in page.iterate() if element.tag == "pre" and element.get("aria-label") == label)
    return block.raw_text


def test_only_members_see_the_page(client, project):
    assert client.get(URL)["Location"] == f"/login/?next={URL}"
    client.force_login(factories.make_user(factories.make_project("other")))
    assert client.get(URL).status_code == 404


def test_curl_snippet_posts_a_run(member_client, project):
    words = shlex.split(snippet(Page(member_client.get(URL)), "curl").replace("\\\n", " "))
    options = [words[index + 1] for index, word in enumerate(words) if word == "-H"]
    key = options[0].replace("$RUNGLASS_KEY", factories.make_key(project, "ingest"))
    response = Client().post(
        words[1].removeprefix("http://testserver"),
        words[words.index("-d") + 1],
        content_type="application/json",
        headers={"Authorization": key.removeprefix("Authorization: ")},
    )
    assert words[0] == "curl"
    assert options[1] == "Content-Type: application/json"
    assert (response.status_code, json.loads(response.content)["outcome"]) == (201, "created")


@pytest.mark.django_db(transaction=True)
def test_python_snippet_runs_as_it_stands(live_server):
    project = factories.make_project()
    client = Client()
    client.force_login(factories.make_user(project))
    page = Page(client.get(URL, headers={"Host": live_server.url.removeprefix("http://")}))
    process = subprocess.run(
        [sys.executable, "-c", snippet(page, "Python")],
        env=os.environ | {"RUNGLASS_KEY": factories.make_key(project, "ingest")},
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert process.returncode == 0, process.stderr
    assert json.loads(process.stdout) == {"id": "run_hello", "outcome": "created"}
    assert Run.objects.find(project, "run_hello") is not None


def test_commands_name_the_project(member_client):
    text = Page(member_client.get(URL)).text
    assert "manage.py create_api_key --project default --name" in text
    assert "import_runs runs.jsonl --project default" in text


@pytest.mark.parametrize("headers", [{}, RESTORE], ids=["page", "history"])
def test_page_polls_for_the_first_run(member_client, headers):
    response = member_client.get(URL, headers=headers)
    assert response.status_code == 200
    status = Page(response).status(None)
    assert status.text.startswith("Waiting for the first run.")
    assert (status.get("hx-get"), status.get("hx-trigger")) == (URL, "every 2s")


def test_poll_without_runs_gets_204(member_client):
    response = member_client.get(URL, headers=POLL)
    assert (response.status_code, response.content) == (204, b"")


@pytest.mark.parametrize("headers", [{}, POLL, RESTORE], ids=["page", "poll", "history"])
def test_first_run_is_linked_and_ends_polling(member_client, project, headers):
    factories.post_run(project, id="run_first?of many")
    factories.post_run(factories.make_project("other"))
    response = member_client.get(URL, headers=headers)
    status = Page(response).status()
    assert status.link("Open run_firs…many").url == "/p/default/runs/run_first%3Fof%20many/"
    assert status.get("hx-trigger") is None
    assert ("<html" in response.content.decode()) is (headers != POLL)


def test_poll_takes_one_query_after_authentication(member_client, project, django_assert_num_queries):
    # session, user, project; the newest run
    with django_assert_num_queries(4):
        member_client.get(URL, headers=POLL)
