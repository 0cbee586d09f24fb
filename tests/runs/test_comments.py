"""What is kept of what people write about runs."""

from __future__ import annotations

import pytest

from runs.errors import InvalidComment
from runs.models import Comment, Project, User
from runs.team import comments
from runs.team.deletion import delete_run
from tests import factories


def test_a_comment_is_kept_as_it_was_meant(project: Project, member: User) -> None:
    run = factories.post_run(project)
    comments.add_comment(run, member, "  Known outage.\r\nSee *OPS-12*\x00  ")
    kept = Comment.objects.of_run(run).get()
    assert (kept.text, kept.author, kept.edited_at) == ("Known outage.\nSee *OPS-12*\ufffd", member, None)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "expected a text, found none"),
        (" \r\n ", "found none"),
        ("x" * 11, "expected at most 10 characters, found 11"),
    ],
)
def test_what_can_not_be_kept_is_refused(
    project: Project, member: User, text: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comments, "MAX_COMMENT_LENGTH", 10)
    run = factories.post_run(project)
    with pytest.raises(InvalidComment, match=reason):
        comments.add_comment(run, member, text)
    comment = comments.add_comment(run, member, "x" * 10)
    with pytest.raises(InvalidComment, match=reason):
        comments.edit_comment(comment, text)


def test_a_run_has_room_for_so_many(project: Project, member: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comments, "MAX_COMMENTS_PER_RUN", 1)
    run, other = factories.post_run(project), factories.post_run(project)
    comments.add_comment(run, member, "one")
    with pytest.raises(InvalidComment, match="at most 1 comment"):
        comments.add_comment(run, member, "two")
    comments.add_comment(other, member, "one")


def test_a_run_that_is_gone_takes_no_comment(project: Project, member: User) -> None:
    run = factories.post_run(project)
    delete_run(run)
    with pytest.raises(InvalidComment, match="has been deleted"):
        comments.add_comment(run, member, "too late")
    assert not Comment.objects.exists()


def test_a_change_tells_when_and_only_where_there_is_one(project: Project, member: User) -> None:
    comment = comments.add_comment(factories.post_run(project), member, "first")
    comments.edit_comment(comment, "first")
    assert comment.edited_at is None
    comments.edit_comment(comment, "second")
    comment.refresh_from_db()
    assert (comment.text, comment.edited_at is not None) == ("second", True)


def test_what_people_said_outlives_them(project: Project, member: User) -> None:
    comment = comments.add_comment(factories.post_run(project), member, "Mine.")
    member.delete()
    comment.refresh_from_db()
    assert (comment.text, comment.author) == ("Mine.", None)


def test_one_comment_is_deleted_alone(project: Project, member: User) -> None:
    run = factories.post_run(project)
    gone, stays = comments.add_comment(run, member, "gone"), comments.add_comment(run, member, "stays")
    comments.delete_comment(gone)
    assert list(Comment.objects.all()) == [stays]
