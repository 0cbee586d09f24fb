"""Comments on a run: who may write, change and delete them, with scripts and without."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from runs.models import Comment, Project, Run, User
from runs.team import comments
from tests import factories

SWAP = {"HX-Request": "true", "HX-Target": "comments"}


@pytest.fixture
def run(project: Project) -> Run:
    return factories.post_run(project, id="run_discussed")


def client_of(project: Project, role: str) -> tuple[User, Client]:
    user, client = factories.make_user(project, role), Client()
    client.force_login(user)
    return user, client


def sent(client: Client, run: Run, headers: dict[str, str] | None = None, **fields: Any) -> Any:
    address = reverse("run-comments", kwargs={"project": run.project.slug, "run_id": run.external_id})
    return client.post(address, fields, headers=headers or {})


def shown(client: Client, run: Run) -> str:
    """The comments as the page of the run shows them."""
    html = client.get(reverse("run", kwargs={"project": run.project.slug, "run_id": run.external_id})).content.decode()
    found = re.search(r'<section[^>]* id="comments">.*?</section>', html, re.DOTALL)
    assert found
    return unescape(found[0])


def test_a_member_comments_and_comes_back_to_the_comments(run: Run, member: User, member_client: Client) -> None:
    response = sent(member_client, run, action="add", text="Known **outage**.")
    assert (response.status_code, response["Location"]) == (302, "/p/default/runs/run_discussed/#comments")
    page = shown(member_client, run)
    assert "<strong>outage</strong>" in page
    assert f">{member.username}</b>" in page


def test_a_script_gets_the_comments_alone(run: Run, member_client: Client) -> None:
    response = sent(member_client, run, SWAP, action="add", text="Seen.")
    html = response.content.decode()
    assert response.status_code == 200
    assert html.lstrip().startswith('<section class="sect" id="comments">')
    assert "Seen." in html


@pytest.mark.parametrize("headers", [{}, SWAP])
def test_what_can_not_be_kept_comes_back_with_the_reason(
    run: Run, member_client: Client, headers: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comments, "MAX_COMMENT_LENGTH", 5)
    kept = comments.add_comment(run, factories.make_user(run.project), "kept")
    mine = comments.add_comment(run, User.objects.get(pk=member_client.session["_auth_user_id"]), "mine")
    for fields in ({"action": "add"}, {"action": "change", "comment": mine.id}):
        response = sent(member_client, run, headers, text="too long a text", **fields)
        html = response.content.decode()
        assert response.status_code == 400
        assert "Not saved: text: it has 15 characters; 5 are the most." in html
        assert "\ntoo long a text</textarea>" in html
    assert set(Comment.objects.values_list("text", flat=True)) == {kept.text, mine.text}


def test_only_who_wrote_it_changes_it(run: Run, project: Project, member: User, member_client: Client) -> None:
    comment = comments.add_comment(run, member, "first")
    for role in ("member", "admin", "viewer"):
        _, other = client_of(project, role)
        assert sent(other, run, action="change", comment=comment.id, text="theirs").status_code == 403
        assert ">Edit<" not in shown(other, run)
    assert ">Edit<" in shown(member_client, run)
    assert sent(member_client, run, action="change", comment=comment.id, text="second").status_code == 302
    assert "second" in shown(member_client, run)
    assert "edited" in shown(member_client, run)


@pytest.mark.parametrize(("role", "deletes"), [("viewer", False), ("member", False), ("admin", True)])
def test_administrators_delete_what_others_wrote(
    run: Run, project: Project, member: User, role: str, deletes: bool
) -> None:
    comment = comments.add_comment(run, member, "first")
    _, other = client_of(project, role)
    assert (">Delete<" in shown(other, run)) is deletes
    assert sent(other, run, action="delete", comment=comment.id).status_code == (302 if deletes else 403)
    assert Comment.objects.exists() is not deletes


def test_who_wrote_it_deletes_it(run: Run, member: User, member_client: Client) -> None:
    comment = comments.add_comment(run, member, "first")
    assert "first" not in sent(member_client, run, SWAP, action="delete", comment=comment.id).content.decode()
    assert not Comment.objects.exists()


def test_who_only_reads_is_offered_no_form(run: Run, project: Project, member: User) -> None:
    _, viewer = client_of(project, "viewer")
    assert "Nobody has commented on this run." in shown(viewer, run)
    comments.add_comment(run, member, "For all to read.")
    page = shown(viewer, run)
    assert "For all to read." in page
    assert "<form" not in page
    assert sent(viewer, run, action="add", text="no").status_code == 403


def test_to_strangers_there_is_no_run_to_comment_on(run: Run) -> None:
    _, stranger = client_of(factories.make_project("other"), "admin")
    assert sent(stranger, run, action="add", text="no").status_code == 404


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"action": "add ", "text": "x"}, 400),
        ({"text": "x"}, 400),
        ({"action": "delete"}, 404),
        ({"action": "delete", "comment": "x"}, 404),
        ({"action": "change", "comment": "00000000-0000-4000-8000-000000000000", "text": "x"}, 404),
    ],
)
def test_what_can_not_be_meant_is_refused(run: Run, member_client: Client, fields: dict[str, str], status: int) -> None:
    assert sent(member_client, run, **fields).status_code == status
    assert not Comment.objects.exists()


def test_a_comment_is_reached_through_its_own_run_alone(
    run: Run, project: Project, member: User, member_client: Client
) -> None:
    comment = comments.add_comment(factories.post_run(project), member, "elsewhere")
    assert sent(member_client, run, action="delete", comment=comment.id).status_code == 404
    assert Comment.objects.exists()


def test_hostile_comments_are_text(run: Run, member: User, member_client: Client) -> None:
    comments.add_comment(run, member, "<script>alert(1)</script> [x](javascript:alert(1)) ![y](https://spy.example/)")
    html = member_client.get(f"/p/default/runs/{run.external_id}/").content.decode()
    found = re.search(r'<ol class="comments.*?</ol>', html, re.DOTALL)
    assert found
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in found[0]
    assert "<script" not in found[0]
    assert 'href="javascript' not in found[0]
    assert "<img" not in found[0]


def test_writing_takes_a_post_with_a_token(run: Run, member: User) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(member)
    assert sent(strict, run, action="add", text="x").status_code == 403
    address = reverse("run-comments", kwargs={"project": "default", "run_id": run.external_id})
    assert strict.get(address).status_code == 405


def test_many_comments_cost_what_one_costs(run: Run, project: Project, member_client: Client) -> None:
    shown(member_client, run)  # the last project is remembered once
    counts = []
    for _ in range(2):
        for _ in range(5):
            comments.add_comment(run, factories.make_user(project), "more")
        with CaptureQueriesContext(
            connection,
        ) as queries:
            shown(member_client, run)
        counts.append(len(queries))
    assert counts[0] == counts[1]
