"""Comments on a run: permissions, validation, and responses with and without scripts."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from runs.models import Comment, Project, Run, User
from runs.team import comments
from tests import factories
from tests.dashboard.pages.run.run_pages import htmx_headers, run_url
from tests.pages import Element, Page

HTMX_HEADERS = htmx_headers("comments")


@pytest.fixture
def run(project: Project) -> Run:
    """A run without comments."""
    return factories.post_run(project, id="run_discussed")


def sign_in(project: Project, role: str) -> Client:
    """Return a client that is signed in as a new member of `project`."""
    client = Client()
    client.force_login(factories.make_user(project, role))
    return client


def comments_url(run: Run) -> str:
    return reverse("run-comments", kwargs={"project": run.project.slug, "run_id": run.external_id})


def post_action(client: Client, run: Run, headers: dict[str, str] | None = None, **fields: Any) -> Any:
    return client.post(comments_url(run), fields, headers=headers or {})


def comments_section(client: Client, run: Run) -> Element:
    return Page(client.get(run_url(run.external_id, run.project.slug))).region("Comments")


def test_member_adds_a_comment(run: Run, member: User, member_client: Client) -> None:
    response = post_action(member_client, run, action="add", text="Known **outage**.")
    assert (response.status_code, response["Location"]) == (302, "/p/default/runs/run_discussed/#comments")
    [item] = comments_section(member_client, run).find("list").find_all("listitem")
    assert item.text.startswith(member.username)
    assert "Known outage." in item.text
    assert [element.text for element in item.iterate() if element.tag == "strong"] == ["outage"]


def test_partial_request_gets_the_section_only(run: Run, member_client: Client) -> None:
    response = post_action(member_client, run, HTMX_HEADERS, action="add", text="Seen.")
    assert response.status_code == 200
    page = Page(response)
    assert not page.has("main")
    assert "Seen." in page.region("Comments").text


@pytest.mark.parametrize("headers", [{}, HTMX_HEADERS])
def test_invalid_comment_returns_as_draft(
    run: Run, member_client: Client, headers: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comments, "MAX_COMMENT_LENGTH", 5)
    other = comments.add_comment(run, factories.make_user(run.project), "kept")
    own = comments.add_comment(run, User.objects.get(pk=member_client.session["_auth_user_id"]), "mine")
    for fields in ({"action": "add"}, {"action": "edit", "comment": own.id}):
        response = post_action(member_client, run, headers, text="too long a text", **fields)
        assert response.status_code == 400
        page = Page(response)
        assert page.alert().text == "Not saved: text: expected at most 5 characters, found 15."
        assert "too long a text" in [field.value for field in page.find_all("textbox")]
    assert set(Comment.objects.values_list("text", flat=True)) == {other.text, own.text}


def test_only_the_author_edits_a_comment(run: Run, project: Project, member: User, member_client: Client) -> None:
    comment = comments.add_comment(run, member, "first")
    for role in ("member", "admin", "viewer"):
        other = sign_in(project, role)
        assert post_action(other, run, action="edit", comment=comment.id, text="theirs").status_code == 403
        assert "Edit" not in comments_section(other, run).text
    assert "Edit" in comments_section(member_client, run).text
    assert post_action(member_client, run, action="edit", comment=comment.id, text="second").status_code == 302
    text = comments_section(member_client, run).text
    assert "second" in text
    assert "edited" in text


@pytest.mark.parametrize(("role", "can_delete"), [("viewer", False), ("member", False), ("admin", True)])
def test_administrators_delete_comments_of_others(
    run: Run, project: Project, member: User, role: str, can_delete: bool
) -> None:
    comment = comments.add_comment(run, member, "first")
    other = sign_in(project, role)
    assert ("Delete" in comments_section(other, run).text) is can_delete
    response = post_action(other, run, action="delete", comment=comment.id)
    assert response.status_code == (302 if can_delete else 403)
    assert Comment.objects.exists() is not can_delete


def test_the_author_deletes_a_comment(run: Run, member: User, member_client: Client) -> None:
    comment = comments.add_comment(run, member, "first")
    response = post_action(member_client, run, HTMX_HEADERS, action="delete", comment=comment.id)
    assert "first" not in response.content.decode()
    assert not Comment.objects.exists()


def test_viewer_reads_without_a_form(run: Run, project: Project, member: User) -> None:
    viewer = sign_in(project, "viewer")
    assert "There are no comments on this run." in comments_section(viewer, run).text
    comments.add_comment(run, member, "For all to read.")
    section = comments_section(viewer, run)
    assert "For all to read." in section.text
    assert not section.has("form")
    assert post_action(viewer, run, action="add", text="no").status_code == 403


def test_non_member_gets_404(run: Run) -> None:
    stranger = sign_in(factories.make_project("other"), "admin")
    assert post_action(stranger, run, action="add", text="no").status_code == 404


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"action": "add ", "text": "x"}, 400),
        ({"text": "x"}, 400),
        ({"action": "delete"}, 404),
        ({"action": "delete", "comment": "x"}, 404),
        ({"action": "edit", "comment": "00000000-0000-4000-8000-000000000000", "text": "x"}, 404),
    ],
)
def test_invalid_action_is_refused(run: Run, member_client: Client, fields: dict[str, str], status: int) -> None:
    assert post_action(member_client, run, **fields).status_code == status
    assert not Comment.objects.exists()


def test_comment_of_another_run_gets_404(run: Run, project: Project, member: User, member_client: Client) -> None:
    comment = comments.add_comment(factories.post_run(project), member, "elsewhere")
    assert post_action(member_client, run, action="delete", comment=comment.id).status_code == 404
    assert Comment.objects.exists()


def test_hostile_comment_is_escaped(run: Run, member: User, member_client: Client) -> None:
    text = "<script>alert(1)</script> [x](javascript:alert(1)) ![y](https://spy.example/)"
    comments.add_comment(run, member, text)
    [item] = comments_section(member_client, run).find("list").find_all("listitem")
    assert "<script>alert(1)</script>" in item.text
    assert not {element.tag for element in item.iterate(hidden=True)} & {"script", "img"}
    assert not [link.url for link in item.find_all("link") if link.url.startswith("javascript")]


def test_writing_needs_post_and_csrf_token(run: Run, member: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(member)
    assert post_action(client, run, action="add", text="x").status_code == 403
    assert client.get(comments_url(run)).status_code == 405


def test_query_count_is_independent_of_comments(run: Run, project: Project, member_client: Client) -> None:
    comments_section(member_client, run)  # stores the last project of the user, once
    counts = []
    for _ in range(2):
        for _ in range(5):
            comments.add_comment(run, factories.make_user(project), "more")
        with CaptureQueriesContext(connection) as queries:
            comments_section(member_client, run)
        counts.append(len(queries))
    assert counts[0] == counts[1]
