"""The connect page: its snippets work as they stand, and its note waits for the first run."""

import json
import os
import re
import shlex
import subprocess
import sys
from html import unescape

import pytest
from django.test import Client

from runs.models import Run
from tests import factories

URL = "/p/default/connect/"
POLL = {"HX-Request": "true", "HX-Target": "waiting"}
RESTORE = POLL | {"HX-History-Restore-Request": "true"}


def snippet(body: str, name: str) -> str:
    """What a reader copies: the text of the block that is labelled so."""
    (block,) = re.findall(rf'<pre [^>]*aria-label="{name}">(.*?)</pre>', body, re.DOTALL)
    return unescape(re.sub(r"<[^>]*>", "", block))


def test_it_is_for_members_only(client, project):
    assert client.get(URL)["Location"] == f"/login/?next={URL}"
    client.force_login(factories.make_user(factories.make_project("other")))
    assert client.get(URL).status_code == 404


def test_the_curl_snippet_posts_a_run(member_client, project):
    words = shlex.split(snippet(member_client.get(URL).content.decode(), "curl").replace("\\\n", " "))
    options = [words[place + 1] for place, word in enumerate(words) if word == "-H"]
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
def test_the_python_snippet_runs_as_it_stands(live_server):
    project = factories.make_project()
    client = Client()
    client.force_login(factories.make_user(project))
    page = client.get(URL, headers={"Host": live_server.url.removeprefix("http://")})
    answer = subprocess.run(
        [sys.executable, "-c", snippet(page.content.decode(), "Python")],
        env=os.environ | {"RUNGLASS_KEY": factories.make_key(project, "ingest")},
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert answer.returncode == 0, answer.stderr
    assert json.loads(answer.stdout) == {"id": "run_hello", "outcome": "created"}
    assert Run.objects.find(project, "run_hello") is not None


def test_the_commands_name_the_project(member_client):
    body = member_client.get(URL).content.decode()
    assert "manage.py create_api_key --project default --name" in body
    assert "import_runs runs.jsonl --project default" in body


@pytest.mark.parametrize("headers", [{}, RESTORE], ids=["page", "history"])
def test_the_page_waits_for_the_first_run(member_client, headers):
    response = member_client.get(URL, headers=headers)
    body = response.content.decode()
    assert response.status_code == 200
    assert "Waiting for the first run." in body
    assert f'hx-get="{URL}" hx-trigger="every 2s"' in body


def test_a_poll_changes_nothing_while_nothing_came(member_client):
    response = member_client.get(URL, headers=POLL)
    assert (response.status_code, response.content) == (204, b"")


@pytest.mark.parametrize("headers", [{}, POLL, RESTORE], ids=["page", "poll", "history"])
def test_once_a_run_is_there_it_is_linked_and_the_waiting_ends(member_client, project, headers):
    run = factories.post_run(project, id="run_first/of many")
    factories.post_run(factories.make_project("other"))
    response = member_client.get(URL, headers=headers)
    body = response.content.decode()
    assert 'href="/p/default/runs/run_first%2Fof%20many/"' in body
    assert run.external_id in unescape(body) or "run_firs…many" in body
    assert "every 2s" not in body
    assert ("<html" in body) is (headers != POLL)


def test_a_poll_costs_one_query_beyond_knowing_who_asks(member_client, project, django_assert_num_queries):
    # session, user, project; the newest run
    with django_assert_num_queries(4):
        member_client.get(URL, headers=POLL)
