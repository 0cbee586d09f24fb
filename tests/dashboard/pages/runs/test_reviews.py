"""Tests for marking runs as reviewed, in the list and on the page of a run."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import Any

import pytest
from django.test import Client

from dashboard.ui.formats import NO_VALUE
from runs.models import Project, Run, RunReview, User
from runs.team.reviews import mark_reviewed
from tests import factories
from tests.pages import Page

URL = "/p/default/reviews/"
LIST = "/p/default/runs/"
COLUMNS = "columns=model,reviewed"
SWAP = {"HX-Request": "true", "HX-Target": "bulk-hint"}


def post_review(client: Client, *runs: Run, do: str = "mark_reviewed", **options: Any) -> Any:
    form = {"run": [str(run.pk) for run in runs], "do": do, "query": f"status=completed&{COLUMNS}"}
    return client.post(URL, form, **options)


def fetch_column(client: Client, query: str = "") -> list[str]:
    page = Page(client.get(f"{LIST}?{COLUMNS}&{query}"))
    return page.table(re.compile("^Runs")).cells("Reviewed")


def test_selected_runs_are_marked_with_message(member_client: Client, project: Project, member: User) -> None:
    first, second, _ = (factories.post_run(project) for _ in range(3))
    name = member.get_username()
    response = post_review(member_client, first, second)
    assert (response.status_code, response["Location"]) == (302, f"{LIST}?status=completed&columns=model%2Creviewed")
    assert Page(member_client.get(response["Location"])).status().text == "Marked 2 runs as reviewed."
    assert sorted(fetch_column(member_client)) == sorted([name, name, NO_VALUE])
    assert fetch_column(member_client, f"q=reviewed:{name}") == [name, name]
    assert fetch_column(member_client, "q=reviewed:no") == [NO_VALUE]
    post_review(member_client, first, do="unmark_reviewed")
    assert [review.run for review in RunReview.objects.all()] == [second]


@pytest.mark.parametrize(
    ("do", "message"),
    [
        ("mark_reviewed", "All of the runs are reviewed already."),
        ("unmark_reviewed", "None of the runs is reviewed."),
    ],
)
def test_unchanged_reviews_give_a_message(member_client: Client, project: Project, do: str, message: str) -> None:
    run = factories.post_run(project)
    if do == "mark_reviewed":
        mark_reviewed(project, [run.pk], "ann")
    response = post_review(member_client, run, do=do)
    assert Page(member_client.get(response["Location"])).status().text == message


def test_htmx_request_gets_updated_rows(member_client: Client, project: Project, member: User) -> None:
    run = factories.post_run(project)
    response = post_review(member_client, run, headers=SWAP)
    (row,) = Page(response).find_all("row", hidden=True)
    assert (row.get("id"), row.get("hx-swap-oob")) == (f"row-{run.pk}", "morph")
    assert row.has("cell", member.get_username())
    events = json.loads(response["HX-Trigger"])
    assert events["hint"]["value"] == "Marked 1 run as reviewed."
    assert "reviewed" in events  # an open preview is loaded again


def test_invalid_selections_are_refused(member_client: Client, project: Project) -> None:
    assert post_review(member_client, headers=SWAP).status_code == 422
    assert "No runs are selected." in Page(member_client.post(URL, {"do": "mark_reviewed"}, follow=True)).status().text
    assert post_review(member_client, factories.post_run(project), do="explode").status_code == 400
    assert not RunReview.objects.exists()


def test_viewer_sees_the_review_only(client: Client, project: Project) -> None:
    run = factories.post_run(project)
    client.force_login(factories.make_user(project, role="viewer"))
    page_url = f"{LIST}{run.external_id}/"
    assert post_review(client, run).status_code == 403
    assert client.post(f"{page_url}review", {"do": "mark_reviewed"}).status_code == 403
    review = Page(client.get(page_url)).region("Review")
    assert review.text == "Not reviewed"
    assert not review.has("button")
    assert not Page(client.get(LIST)).has("button", "Mark as reviewed v")
    assert not RunReview.objects.exists()


def test_run_page_marks_and_unmarks_the_run(member_client: Client, project: Project, member: User) -> None:
    run = factories.post_run(project, id="run_a+b")
    page_url = f"{LIST}run_a+b/?list=status%3Dcompleted"
    url = f"{LIST}run_a+b/review?list=status%3Dcompleted"
    form = Page(member_client.get(page_url)).form("Mark as reviewed")
    assert form.url == url
    response = member_client.post(url, {"do": "mark_reviewed"})
    assert (response.status_code, response["Location"]) == (302, page_url)
    review = Page(member_client.get(page_url)).region("Review")
    assert review.text.startswith(f"Reviewed by {member.get_username()} ")
    assert review.has("button", "Mark as not reviewed")
    fragment = Page(member_client.post(url, {"do": "unmark_reviewed"}, headers=SWAP))
    assert fragment.region("Review").has("button", "Mark as reviewed")
    assert not fragment.has("row", hidden=True)
    assert not RunReview.objects.filter(run=run).exists()


def test_preview_updates_the_row_of_the_list(member_client: Client, project: Project) -> None:
    run = factories.post_run(project)
    posted = {"do": "mark_reviewed", "query": COLUMNS}
    fragment = Page(member_client.post(f"{LIST}{run.external_id}/review", posted, headers=SWAP))
    assert fragment.region("Review").has("button", "Mark as not reviewed")
    assert [row.get("id") for row in fragment.find_all("row", hidden=True)] == [f"row-{run.pk}"]


def test_missing_run_gets_404(member_client: Client, project: Project) -> None:
    assert member_client.post(f"{LIST}run_none/review", {"do": "mark_reviewed"}).status_code == 404


def test_exports_contain_reviews(member_client: Client, project: Project) -> None:
    run, plain = factories.post_run(project), factories.post_run(project)
    mark_reviewed(project, [run.pk], "ann")
    document = json.loads(member_client.get("/p/default/runs.json").getvalue())
    ((run_id, review),) = document["reviews"].items()
    assert (run_id, review["reviewer"], review["reviewed_at"][-1]) == (run.external_id, "ann", "Z")
    text = member_client.get("/p/default/runs.csv").getvalue().decode("utf-8-sig")
    rows = {row["id"]: (row["reviewed_by"], row["reviewed_at"]) for row in csv.DictReader(io.StringIO(text))}
    assert rows == {run.external_id: ("ann", review["reviewed_at"]), plain.external_id: ("", "")}
