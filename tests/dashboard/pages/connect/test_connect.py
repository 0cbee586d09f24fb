"""The connect page: its snippets work as they stand, and it waits for the first run."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import tomllib
from typing import Any

import pytest
from django.test import Client

from dashboard.pages.connect.guides import CONNECT_GUIDES, GuideName
from runs.models import ApiKey, AuditEvent, Project, Run
from runs.team.api_keys import find_api_key
from tests import factories
from tests.dashboard.pages.connect.snippets import URL, open_guide, read_snippet
from tests.pages import Page

MCP_URL = "http://testserver/mcp"
POLL = {"HX-Request": "true", "HX-Target": "waiting"}
RESTORE = POLL | {"HX-History-Restore-Request": "true"}


def test_only_members_see_the_page(client, project):
    assert client.get(URL)["Location"] == f"/login/?next={URL}"
    client.force_login(factories.make_user(factories.make_project("other")))
    assert client.get(URL).status_code == 404


def run_curl(page: Page, project: Project, scope: str) -> Any:
    """Send the request of the curl snippet, with a key of `scope`."""
    words = shlex.split(read_snippet(page, "curl").replace("\\\n", " "))
    options = dict(words[index + 1].split(": ", 1) for index, word in enumerate(words) if word == "-H")
    key = options["Authorization"].replace("$RUNGLASS_KEY", factories.make_key(project, scope))
    assert words[0] == "curl"
    return Client().post(
        words[1].removeprefix("http://testserver"),
        words[words.index("-d") + 1],
        content_type=options["Content-Type"],
        headers={"Authorization": key},
    )


def test_curl_snippet_posts_a_run(member_client, project):
    response = run_curl(Page(member_client.get(URL)), project, "ingest")
    assert (response.status_code, json.loads(response.content)["outcome"]) == (201, "created")


def test_responses_curl_snippet_posts_a_response(member_client, project):
    response = run_curl(Page(member_client.get(URL, {"guide": "responses"})), project, "ingest")
    assert (response.status_code, json.loads(response.content)["outcome"]) == (201, "created")
    assert Run.objects.get().assistant_id == "hello"


@pytest.mark.parametrize("name", GuideName)
def test_each_guide_has_a_url(member_client, name):
    page = Page(member_client.get(URL, {"guide": name} if name != "assistants" else {}))
    guide = CONNECT_GUIDES[name]
    tab = page.navigation("What to connect").link(guide.label)
    assert tab.is_current
    assert Page(member_client.get(tab.url)).heading(guide.heading)
    assert f"--name {guide.key_name} --scope {guide.scope}" in page.text
    for code in guide.snippets:
        assert read_snippet(page, code.label).strip()
        assert page.has("button", f"Copy {code.label}")
    assert page.has("heading", "Wait for the first run") is guide.sends_runs


def test_unknown_guide_gets_400(member_client):
    response = member_client.get(URL, {"guide": "responces"})
    assert response.status_code == 400
    assert "guide" in Page(response).text


def test_mcp_curl_snippet_searches_runs(member_client, project):
    factories.post_run(project, **factories.failed_run(id="run_bad"))
    response = run_curl(Page(member_client.get(URL, {"guide": "mcp"})), project, "read")
    assert response.json()["result"]["structuredContent"]["runs"][0]["id"] == "run_bad"


def test_mcp_configurations_name_the_endpoint(member_client, project):
    page = Page(member_client.get(URL, {"guide": "mcp"}))
    bearer = "Authorization: Bearer $RUNGLASS_KEY"
    command = ["claude", "mcp", "add", "--transport", "http", "runglass", MCP_URL, "--header", bearer]
    assert shlex.split(read_snippet(page, "Claude Code")) == command
    desktop = json.loads(read_snippet(page, "Claude Desktop"))["mcpServers"]["runglass"]
    assert MCP_URL in desktop["args"]
    assert desktop["args"][-1] == "Authorization:${RUNGLASS_AUTHORIZATION}"
    assert desktop["env"] == {"RUNGLASS_AUTHORIZATION": "Bearer rg_…"}
    cursor = json.loads(read_snippet(page, "Cursor"))["mcpServers"]["runglass"]
    assert cursor == {"url": MCP_URL, "headers": {"Authorization": "Bearer ${env:RUNGLASS_KEY}"}}
    code = json.loads(read_snippet(page, "VS Code"))
    assert code["servers"]["runglass"]["url"] == MCP_URL
    assert code["servers"]["runglass"]["headers"] == {"Authorization": f"Bearer ${{input:{code['inputs'][0]['id']}}}"}
    codex = tomllib.loads(read_snippet(page, "Codex CLI"))["mcp_servers"]["runglass"]
    assert codex == {"url": MCP_URL, "bearer_token_env_var": "RUNGLASS_KEY"}


def run_python(code: str, project: Project, **environment: str) -> str:
    """Run a snippet in a process of its own, and return what it prints."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("OPENAI_", "OTEL_"))}
    process = subprocess.run(
        [sys.executable, "-c", code],
        env=inherited | {"RUNGLASS_KEY": factories.make_key(project, "ingest")} | environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert process.returncode == 0, process.stderr
    return process.stdout


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("guide", "posted_id"), [("assistants", "run_hello"), ("responses", "resp_hello")])
def test_python_snippet_runs_as_it_stands(live_server, guide, posted_id):
    project = factories.make_project()
    printed = run_python(read_snippet(open_guide(live_server, project, guide), "Python"), project)
    assert json.loads(printed) == {"id": posted_id, "outcome": "created"}
    assert Run.objects.find(project, posted_id) is not None


@pytest.mark.django_db(transaction=True)
def test_agents_sdk_snippet_runs_as_it_stands(live_server):
    project = factories.make_project()
    run_python(read_snippet(open_guide(live_server, project, "agents-sdk"), "Python"), project)
    assert [run.assistant_id for run in Run.objects.in_project(project)] == ["Hello"]


EXPORT_SPAN = """
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter()))
attributes = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "Greeter"}
with provider.get_tracer("test").start_as_current_span("invoke_agent Greeter", attributes=attributes):
    pass
provider.shutdown()
"""


@pytest.mark.django_db(transaction=True)
def test_otel_environment_exports_traces(live_server):
    project = factories.make_project()
    key = factories.make_key(project, "ingest")
    lines = read_snippet(open_guide(live_server, project, "opentelemetry"), "Environment of all languages").splitlines()
    environment = dict(shlex.split(line)[1].split("=", 1) for line in lines)
    environment = {name: value.replace("$RUNGLASS_KEY", key) for name, value in environment.items()}
    assert environment["OTEL_EXPORTER_OTLP_PROTOCOL"] == "http/protobuf"  # .NET would use gRPC by default
    run_python(EXPORT_SPAN, project, **environment)
    assert [run.assistant_id for run in Run.objects.in_project(project)] == ["Greeter"]


@pytest.fixture
def admin_client(project: Project) -> Client:
    client = Client()
    client.force_login(factories.make_user(project, role="admin", name="ada"))
    return client


@pytest.mark.parametrize(("guide", "scope"), [("responses", "ingest"), ("mcp", "read")])
def test_key_is_created_in_place(admin_client, project, guide, scope):
    form = Page(admin_client.get(URL, {"guide": guide})).form("New API key")
    created = admin_client.post(form.get("action"), {"name": "my-laptop"})
    page = Page(created)
    secret = page.button("Copy key").get("data-copy")
    key = find_api_key(secret)
    assert (key.name, key.scopes, key.project) == ("my-laptop", [scope], project)
    assert read_snippet(page, "Key in the environment") == f"export RUNGLASS_KEY={secret}"
    assert page.navigation("What to connect").link(CONNECT_GUIDES[guide].label).is_current
    assert "no-store" in created["Cache-Control"]
    assert secret not in admin_client.get(URL, {"guide": guide}).content.decode()
    [event] = AuditEvent.objects.newest(project)
    assert str(event) == f"ada created the API key my-laptop ({scope})"


def test_new_key_fills_the_snippets(admin_client):
    page = Page(admin_client.post(f"{URL}key?guide=mcp", {"name": "desk"}))
    secret = page.button("Copy key").get("data-copy")
    desktop = json.loads(read_snippet(page, "Claude Desktop"))["mcpServers"]["runglass"]
    assert desktop["env"] == {"RUNGLASS_AUTHORIZATION": f"Bearer {secret}"}


@pytest.mark.parametrize("name", ["", " ", "x" * 101, "a\x07b"])
def test_key_needs_a_name(admin_client, name):
    refused = admin_client.post(f"{URL}key", {"name": name})
    assert refused.status_code == 422
    assert "Name: expected 1 to 100" in Page(refused).alert().text
    assert not ApiKey.objects.exists()


def test_only_administrators_create_keys(member_client):
    assert not Page(member_client.get(URL)).has("form", "New API key")
    assert member_client.post(f"{URL}key", {"name": "x"}).status_code == 403


def test_page_links_documentation_and_upload(member_client):
    page = Page(member_client.get(URL))
    assert page.link("API documentation").url == "/api/v1/docs"
    assert page.link("Import files").url == "/p/default/import/"


def test_commands_name_the_project(member_client):
    text = Page(member_client.get(URL)).text
    assert "manage.py create_api_key --project default --name" in text
    assert "uv run manage.py import_runs runs.jsonl --project default" in text


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
