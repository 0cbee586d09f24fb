"""Tests for adding and removing tags, in the list and on the page of a run."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import Any

import pytest
from django.test import Client

from runs.models import Project, RunTag, User
from runs.team import tags
from tests import factories
from tests.pages import Page

URL = "/p/default/tags/"
LIST = "/p/default/runs/"
SWAP = {"HX-Request": "true", "HX-Target": "tagging"}


def post_tags(client: Client, *runs: Any, **posted: str) -> Any:
    return client.post(URL, {"run": [str(run.pk) for run in runs], "do": "add", "query": "status=completed"} | posted)


def test_selected_runs_are_tagged_with_message(member_client: Client, project: Project) -> None:
    first, second, other = (factories.post_run(project) for _ in range(3))
    response = post_tags(member_client, first, second, tag="Needs review, urgent")
    assert (response.status_code, response["Location"]) == (302, f"{LIST}?status=completed")
    page = Page(member_client.get(response["Location"]))
    assert page.status().text == "Added needs-review, urgent to 2 runs."
    assert sorted(page.table(re.compile("^Runs")).cells("Tags")) == ["", "needs-review urgent", "needs-review urgent"]
    assert RunTag.objects.names_of(other) == []


def test_tags_are_removed_from_selected_runs(member_client: Client, project: Project, member: User) -> None:
    run = factories.post_run(project)
    tags.add_tags(project, [run.pk], ["urgent", "billing"], member)
    response = post_tags(member_client, run, tag="urgent", do="remove")
    assert Page(member_client.get(response["Location"])).status().text == "Removed urgent from 1 run."
    assert RunTag.objects.names_of(run) == ["billing"]


@pytest.mark.parametrize(
    ("do", "message"),
    [("add", "All selected runs already have urgent."), ("remove", "None of the selected runs has other.")],
)
def test_unchanged_tags_give_a_message(
    member_client: Client, project: Project, member: User, do: str, message: str
) -> None:
    run = factories.post_run(project)
    tags.add_tags(project, [run.pk], ["urgent"], member)
    response = post_tags(member_client, run, tag="urgent" if do == "add" else "other", do=do)
    assert Page(member_client.get(response["Location"])).status().text == message


def test_htmx_request_gets_updated_rows(member_client: Client, project: Project) -> None:
    run = factories.post_run(project)
    response = member_client.post(URL, {"run": [str(run.pk)], "do": "add", "tag": "urgent"}, headers=SWAP)
    page = Page(response)
    assert page.field("Tags, separated by commas").value == ""
    assert page.text == "Added urgent to 1 run."
    (row,) = page.find_all("row", hidden=True)
    assert (row.get("id"), row.get("hx-swap-oob")) == (f"row-{run.pk}", "morph")
    assert row.has("cell", "urgent")
    assert json.loads(response["HX-Trigger"])["announce"]["value"] == "Added urgent to 1 run."


@pytest.mark.parametrize(
    ("posted", "message"),
    [
        ({"tag": "-x"}, "expected a tag of at most 40 characters"),
        ({"tag": ""}, "expected a tag, such as needs-review"),
        ({"tag": "urgent", "run": []}, "No runs are selected."),
    ],
    ids=["bad", "none", "no run"],
)
def test_invalid_tag_message_names_expected_value(
    member_client: Client, project: Project, posted: dict[str, Any], message: str
) -> None:
    run = factories.post_run(project)
    sent = {"run": [str(run.pk)], "do": "add"} | posted
    swapped = member_client.post(URL, sent, headers=SWAP)
    assert swapped.status_code == 422
    fragment = Page(swapped)
    assert message in fragment.alert().text
    assert fragment.field("Tags, separated by commas").value == posted["tag"]
    assert message in Page(member_client.post(URL, sent, follow=True)).status().text
    assert not RunTag.objects.exists()


def test_viewer_gets_403(client: Client, project: Project) -> None:
    run = factories.post_run(project)
    client.force_login(factories.make_user(project, role="viewer"))
    assert post_tags(client, run, tag="urgent").status_code == 403
    assert client.post(f"{LIST}{run.external_id}/tags", {"tag": "urgent"}).status_code == 403
    for url in (LIST, f"{LIST}{run.external_id}/"):
        assert not Page(client.get(url)).has("textbox", "Tags, separated by commas")
    assert not RunTag.objects.exists()


def test_many_runs_are_tagged_at_once(member_client: Client, project: Project) -> None:
    run = factories.post_run(project)
    keys = [str(run.pk), *(str(project.record_id(f"run_{number}")) for number in range(2000))]
    member_client.post(URL, {"run": keys, "do": "add", "tag": "urgent"})
    assert RunTag.objects.names_of(run) == ["urgent"]


def test_unknown_action_is_rejected(member_client: Client, project: Project) -> None:
    assert post_tags(member_client, factories.post_run(project), tag="urgent", do="").status_code == 400


def test_known_tags_are_suggested(member_client: Client, project: Project, member: User) -> None:
    runs = [factories.post_run(project) for _ in range(2)]
    tags.add_tags(project, [run.pk for run in runs], ["urgent"], member)
    tags.add_tags(project, [runs[0].pk], ["billing"], member)
    options = Page(member_client.get("/p/default/tags/known")).find_all("option")
    assert [option.value for option in options] == ["urgent", "billing"]


def test_list_filters_by_tag(member_client: Client, project: Project, member: User) -> None:
    run, _ = factories.post_run(project), factories.post_run(project)
    tags.add_tags(project, [run.pk], ["urgent"], member)
    page = Page(member_client.get(LIST, {"q": "tag:urgent"}))
    assert page.table(re.compile("^Runs")).cells("Tags") == ["urgent"]


def test_exports_contain_tags(member_client: Client, project: Project, member: User) -> None:
    run, plain = factories.post_run(project), factories.post_run(project)
    tags.add_tags(project, [run.pk], ["urgent", "billing"], member)
    document = json.loads(member_client.get("/p/default/runs.json").getvalue())
    assert document["tags"] == {run.external_id: ["billing", "urgent"]}
    assert "tags" not in document["data"][0]
    text = member_client.get("/p/default/runs.csv").getvalue().decode("utf-8-sig")
    tags_by_run = {row["id"]: row["tags"] for row in csv.DictReader(io.StringIO(text))}
    assert tags_by_run == {run.external_id: '["billing","urgent"]', plain.external_id: "[]"}


# on the page of a run


def test_run_page_adds_and_removes_tags(member_client: Client, project: Project) -> None:
    run = factories.post_run(project, id="run_a+b")
    page = f"{LIST}run_a+b/"
    response = member_client.post(f"{LIST}run_a+b/tags", {"tag": "Urgent, billing"})
    assert (response.status_code, response["Location"]) == (302, page)
    run_tags = Page(member_client.get(page)).region("Tags")
    assert run_tags.link("urgent").url == f"{LIST}?q=tag:urgent"
    assert run_tags.has("button", "Remove tag urgent")
    member_client.post(f"{LIST}run_a+b/tags", {"remove": "urgent", "tag": ""})
    assert RunTag.objects.names_of(run) == ["billing"]


def test_htmx_request_gets_tags_fragment(member_client: Client, project: Project) -> None:
    run = factories.post_run(project)
    url, swap = f"{LIST}{run.external_id}/tags", {"HX-Request": "true", "HX-Target": "tags"}
    response = member_client.post(url, {"tag": "urgent"}, headers=swap)
    assert response.status_code == 200
    fragment = Page(response)
    assert not fragment.has("main")
    assert fragment.region("Tags").has("link", "urgent")
    invalid = member_client.post(url, {"tag": "(x)"}, headers=swap)
    assert invalid.status_code == 422
    assert "expected a tag" in Page(invalid).alert().text
    assert "expected a tag" in Page(member_client.post(url, {"tag": "(x)"}, follow=True)).status().text


def test_missing_run_gets_404(member_client: Client, project: Project) -> None:
    assert member_client.post(f"{LIST}run_none/tags", {"tag": "x"}).status_code == 404


def test_tagging_keeps_the_originating_list(member_client: Client, project: Project) -> None:
    run = factories.post_run(project)
    page = Page(member_client.get(f"{LIST}{run.external_id}/?list=status%3Dcompleted"))
    url = f"{LIST}{run.external_id}/tags?list=status%3Dcompleted"
    assert page.form("Add tag").url == url
    response = member_client.post(url, {"tag": "urgent"})
    assert response["Location"] == f"{LIST}{run.external_id}/?list=status%3Dcompleted"


@pytest.mark.parametrize("removed", ["a\0b", "", "(x)"])
def test_removing_invalid_tag_is_rejected(member_client: Client, project: Project, removed: str) -> None:
    run = factories.post_run(project)
    response = member_client.post(f"{LIST}{run.external_id}/tags", {"remove": removed}, follow=True)
    assert "expected a tag" in Page(response).status().text
