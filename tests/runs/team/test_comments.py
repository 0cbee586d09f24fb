"""Comments on runs."""

from __future__ import annotations

import pytest

from runs.errors import InvalidComment
from runs.models import Comment, Project, User
from runs.team import comments
from tests import factories
from tests.factories import delete_run


def test_comment_text_is_normalized(project: Project, member: User) -> None:
    run = factories.post_run(project)
    comments.add_comment(run, member, "  Known outage.\r\nSee *OPS-12*\x00  ")
    stored = Comment.objects.of_run(run).get()
    assert (stored.text, stored.author, stored.edited_at) == ("Known outage.\nSee *OPS-12*\ufffd", member, None)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "expected text, found none"),
        (" \r\n ", "found none"),
        ("x" * 11, "expected at most 10 characters, found 11"),
    ],
)
def test_invalid_text_is_rejected(
    project: Project, member: User, text: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comments, "MAX_COMMENT_LENGTH", 10)
    run = factories.post_run(project)
    with pytest.raises(InvalidComment, match=reason):
        comments.add_comment(run, member, text)
    comment = comments.add_comment(run, member, "x" * 10)
    with pytest.raises(InvalidComment, match=reason):
        comments.edit_comment(comment, text)


def test_number_of_comments_is_limited(project: Project, member: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comments, "MAX_COMMENTS_PER_PAGE", 1)
    run, other = factories.post_run(project), factories.post_run(project)
    comments.add_comment(run, member, "one")
    with pytest.raises(InvalidComment, match="at most 1 comment"):
        comments.add_comment(run, member, "two")
    comments.add_comment(other, member, "one")


def test_deleted_run_takes_no_comment(project: Project, member: User) -> None:
    run = factories.post_run(project)
    delete_run(run)
    with pytest.raises(InvalidComment, match="has been deleted"):
        comments.add_comment(run, member, "too late")
    assert not Comment.objects.exists()


def test_only_real_edits_set_edited_at(project: Project, member: User) -> None:
    comment = comments.add_comment(factories.post_run(project), member, "first")
    comments.edit_comment(comment, "first")
    assert comment.edited_at is None
    comments.edit_comment(comment, "second")
    comment.refresh_from_db()
    assert (comment.text, comment.edited_at is not None) == ("second", True)


def test_comment_outlives_its_author(project: Project, member: User) -> None:
    comment = comments.add_comment(factories.post_run(project), member, "Mine.")
    member.delete()
    comment.refresh_from_db()
    assert (comment.text, comment.author) == ("Mine.", None)


def test_other_comments_are_not_deleted(project: Project, member: User) -> None:
    run = factories.post_run(project)
    deleted, remaining = comments.add_comment(run, member, "gone"), comments.add_comment(run, member, "stays")
    comments.delete_comment(deleted)
    assert list(Comment.objects.all()) == [remaining]
