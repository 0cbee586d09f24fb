"""Tagging the selected runs, and one run on its page."""

from __future__ import annotations

import json
from html import unescape
from typing import Any

import pytest
from django.test import Client

from runs.models import Project, RunTag, User
from runs.team import tags
from tests import factories

URL = "/p/default/tags/"
LIST = "/p/default/runs/"
SWAP = {"HX-Request": "true", "HX-Target": "tagging"}


def tagged(client: Client, *runs: Any, **posted: str) -> Any:
    return client.post(URL, {"run": [str(run.pk) for run in runs], "do": "add", "query": "status=completed"} | posted)


def test_selected_runs_are_tagged_with_message(member_client: Client, project: Project) -> None:
    first, second, other = (factories.post_run(project) for _ in range(3))
    response = tagged(member_client, first, second, tag="Needs review, urgent")
    assert (response.status_code, response["Location"]) == (302, f"{LIST}?status=completed")
    body = member_client.get(response["Location"]).content.decode()
    assert "Tagged 2 runs with needs-review, urgent." in body
    assert body.count('<span class="tag">urgent</span>') == 2
    assert RunTag.objects.names_of(other) == []


def test_tags_are_removed_from_selected_runs(member_client: Client, project: Project, member: User) -> None:
    run = factories.post_run(project)
    tags.add_tags(project, [run.pk], ["urgent", "billing"], member)
    response = tagged(member_client, run, tag="urgent", do="remove")
    assert "Untagged 1 run from urgent." in member_client.get(response["Location"]).content.decode()
    assert RunTag.objects.names_of(run) == ["billing"]


@pytest.mark.parametrize(("do", "said"), [("add", "All of them had urgent"), ("remove", "None of them had other")])
def test_unchanged_tags_give_a_message(
    member_client: Client, project: Project, member: User, do: str, said: str
) -> None:
    run = factories.post_run(project)
    tags.add_tags(project, [run.pk], ["urgent"], member)
    response = tagged(member_client, run, tag="urgent" if do == "add" else "other", do=do)
    assert said in member_client.get(response["Location"]).content.decode()


def test_htmx_request_gets_updated_rows(member_client: Client, project: Project) -> None:
    run = factories.post_run(project)
    response = member_client.post(URL, {"run": [str(run.pk)], "do": "add", "tag": "urgent"}, headers=SWAP)
    body = response.content.decode()
    assert body.startswith('<span class="row" id="tagging">')
    assert f'id="row-{run.pk}" hx-swap-oob="morph"' in body
    assert '<span class="tag">urgent</span>' in body
    assert json.loads(response["HX-Trigger"])["announce"]["value"] == "Tagged 1 run with urgent."


@pytest.mark.parametrize(
    ("posted", "said"),
    [
        ({"tag": "-x"}, "expected a tag of at most 40 characters"),
        ({"tag": ""}, "expected a tag, such as needs-review"),
        ({"tag": "urgent", "run": []}, "No runs are selected."),
    ],
    ids=["bad", "none", "no run"],
)
def test_invalid_tag_message_names_expected_value(
    member_client: Client, project: Project, posted: dict[str, Any], said: str
) -> None:
    run = factories.post_run(project)
    sent = {"run": [str(run.pk)], "do": "add"} | posted
    swapped = member_client.post(URL, sent, headers=SWAP)
    assert swapped.status_code == 422
    assert said in unescape(swapped.content.decode())
    assert f'value="{posted["tag"]}"' in swapped.content.decode()
    plain = member_client.post(URL, sent, follow=True)
    assert said in unescape(plain.content.decode())
    assert not RunTag.objects.exists()


def test_viewer_gets_403(client: Client, project: Project) -> None:
    run = factories.post_run(project)
    client.force_login(factories.make_user(project, role="viewer"))
    assert tagged(client, run, tag="urgent").status_code == 403
    assert client.post(f"{LIST}{run.external_id}/tags", {"tag": "urgent"}).status_code == 403
    assert 'name="tag"' not in client.get(LIST).content.decode()
    assert 'name="tag"' not in client.get(f"{LIST}{run.external_id}/").content.decode()
    assert not RunTag.objects.exists()


def test_many_runs_are_tagged_at_once(member_client: Client, project: Project) -> None:
    run = factories.post_run(project)
    keys = [str(run.pk), *(str(project.record_id(f"run_{number}")) for number in range(2000))]
    member_client.post(URL, {"run": keys, "do": "add", "tag": "urgent"})
    assert RunTag.objects.names_of(run) == ["urgent"]


def test_unknown_action_is_rejected(member_client: Client, project: Project) -> None:
    assert tagged(member_client, factories.post_run(project), tag="urgent", do="").status_code == 400


def test_known_tags_are_suggested(member_client: Client, project: Project, member: User) -> None:
    runs = [factories.post_run(project) for _ in range(2)]
    tags.add_tags(project, [run.pk for run in runs], ["urgent"], member)
    tags.add_tags(project, [runs[0].pk], ["billing"], member)
    body = member_client.get("/p/default/tags/known").content.decode()
    assert body.index("urgent") < body.index("billing")


def test_list_filters_by_tag(member_client: Client, project: Project, member: User) -> None:
    run, _ = factories.post_run(project), factories.post_run(project)
    tags.add_tags(project, [run.pk], ["urgent"], member)
    body = member_client.get(LIST, {"q": "tag:urgent"}).content.decode()
    assert body.count('id="row-') == 1


def test_exports_contain_tags(member_client: Client, project: Project, member: User) -> None:
    run, plain = factories.post_run(project), factories.post_run(project)
    tags.add_tags(project, [run.pk], ["urgent", "billing"], member)
    listed = json.loads(member_client.get("/p/default/runs.json").getvalue())
    assert listed["tags"] == {run.external_id: ["billing", "urgent"]}
    assert "tags" not in listed["data"][0]
    table = member_client.get("/p/default/runs.csv").getvalue().decode().splitlines()
    assert table[0].endswith(",tags")
    assert {line.partition(",")[0]: line for line in table}[run.external_id].endswith('"[""billing"",""urgent""]"')
    assert {line.partition(",")[0]: line for line in table}[plain.external_id].endswith(",[]")


# on the page of a run


def test_run_page_adds_and_removes_tags(member_client: Client, project: Project) -> None:
    run = factories.post_run(project, id="run_a/b")
    page = f"{LIST}run_a/b/"
    response = member_client.post(f"{LIST}run_a/b/tags", {"tag": "Urgent, billing"})
    assert (response.status_code, response["Location"]) == (302, page)
    body = member_client.get(page).content.decode()
    assert f'<a href="{LIST}?q=tag:urgent"' in body
    assert 'aria-label="Remove tag urgent"' in body
    member_client.post(f"{LIST}run_a/b/tags", {"remove": "urgent", "tag": ""})
    assert RunTag.objects.names_of(run) == ["billing"]


def test_htmx_request_gets_tags_fragment(member_client: Client, project: Project) -> None:
    run = factories.post_run(project)
    url, swap = f"{LIST}{run.external_id}/tags", {"HX-Request": "true", "HX-Target": "tags"}
    response = member_client.post(url, {"tag": "urgent"}, headers=swap)
    assert response.status_code == 200
    assert 'id="tags"' in response.content.decode()
    assert "urgent" in response.content.decode()
    refused = member_client.post(url, {"tag": "(x)"}, headers=swap)
    assert refused.status_code == 422
    assert "expected a tag" in refused.content.decode()
    plain = member_client.post(url, {"tag": "(x)"}, follow=True)
    assert "expected a tag" in plain.content.decode()


def test_missing_run_gets_404(member_client: Client, project: Project) -> None:
    assert member_client.post(f"{LIST}run_none/tags", {"tag": "x"}).status_code == 404


def test_tagging_keeps_the_originating_list(member_client: Client, project: Project) -> None:
    run = factories.post_run(project)
    body = member_client.get(f"{LIST}{run.external_id}/?list=status%3Dcompleted").content.decode()
    url = f"{LIST}{run.external_id}/tags?list=status%3Dcompleted"
    assert f'action="{url}"' in body
    response = member_client.post(url, {"tag": "urgent"})
    assert response["Location"] == f"{LIST}{run.external_id}/?list=status%3Dcompleted"


@pytest.mark.parametrize("gone", ["a\0b", "", "(x)"])
def test_removing_invalid_tag_is_rejected(member_client: Client, project: Project, gone: str) -> None:
    run = factories.post_run(project)
    response = member_client.post(f"{LIST}{run.external_id}/tags", {"remove": gone}, follow=True)
    assert "expected a tag" in response.content.decode()
