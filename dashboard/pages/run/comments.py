"""What the team says about a run, and who may change which part of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from django.utils.safestring import SafeString

from dashboard.ui import markdown
from runs.models import Comment, Membership, Run, User
from runs.team.comments import MAX_COMMENT_LENGTH, MAX_COMMENTS_PER_RUN


@dataclass(frozen=True, slots=True)
class CommentRow:
    """One comment. Who wrote it may change it; who wrote it and administrators may delete it."""

    comment: Comment
    author: str
    may_change: bool
    may_delete: bool

    @property
    def anchor(self) -> str:
        return f"comment-{self.comment.id}"

    @property
    def html(self) -> SafeString:
        return markdown.render_markdown(self.comment.text)


@dataclass
class CommentsSection:
    """The comments on `run` for `reader`, who is `role` in its project.

    `problem` says why `draft` was not kept: as a new comment, or in place of the one that is `changed`.
    """

    run: Run
    reader: User
    role: str
    problem: str = ""
    draft: str = ""
    changed: Comment | None = None

    longest = MAX_COMMENT_LENGTH

    @property
    def may_write(self) -> bool:
        return self.role in (Membership.Role.MEMBER, Membership.Role.ADMIN)

    @property
    def has_room(self) -> bool:
        return len(self.remarks) < MAX_COMMENTS_PER_RUN

    @cached_property
    def remarks(self) -> list[CommentRow]:
        """Oldest first."""
        return list(self._remarks())

    def _remarks(self) -> Iterator[CommentRow]:
        for comment in Comment.objects.of_run(self.run).with_authors():
            yield CommentRow(
                comment,
                _name(comment.author),
                can_edit_comment(comment, self.reader, self.role),
                can_delete_comment(comment, self.reader, self.role),
            )


def can_edit_comment(comment: Comment, reader: User, role: str) -> bool:
    """Whether `reader` wrote it and still may write."""
    return role in (Membership.Role.MEMBER, Membership.Role.ADMIN) and comment.author_id == reader.pk


def can_delete_comment(comment: Comment, reader: User, role: str) -> bool:
    """Whether `reader` wrote it or is an administrator."""
    return role == Membership.Role.ADMIN or can_edit_comment(comment, reader, role)


def _name(author: User | None) -> str:
    return "somebody who left" if author is None else author.get_full_name() or author.get_username()
