"""The comments on a run or an error group, and what a user may do with each."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from django.utils.safestring import SafeString

from dashboard.ui import markdown
from dashboard.web.permissions import WRITE_ROLES
from runs.models import Membership, User
from runs.team.comments import MAX_COMMENT_LENGTH, MAX_COMMENTS_PER_PAGE, TARGET_NAMES, AnyComment, CommentTarget


@dataclass(frozen=True, slots=True)
class CommentRow:
    """A comment and its permissions."""

    comment: AnyComment
    author_name: str
    can_edit: bool
    can_delete: bool

    @property
    def anchor(self) -> str:
        """The id of the element of the comment."""
        return f"comment-{self.comment.id}"

    @property
    def html(self) -> SafeString:
        """The text, rendered as Markdown."""
        return markdown.render_markdown(self.comment.text)


@dataclass
class CommentsSection:
    """The comments on `target` as shown to `user`, who has `role` in the project.

    The page at `page_url` shows them, and its title is `title`. Changes are posted to `url`.

    `count_id` is the id of the element elsewhere on the page that shows how many there are.

    `error` is the reason why `draft` was not saved. The draft is a new comment, or a new text of `edited`.
    """

    target: CommentTarget
    user: User
    role: str
    url: str
    page_url: str
    title: str
    count_id: str = ""
    error: str = ""
    draft: str = ""
    edited: AnyComment | None = None

    max_length = MAX_COMMENT_LENGTH

    @cached_property
    def rows(self) -> list[CommentRow]:
        """The comments, oldest first."""
        return [
            CommentRow(
                comment,
                author_name=_format_author(comment.author),
                can_edit=can_edit_comment(comment, self.user, self.role),
                can_delete=can_delete_comment(comment, self.user, self.role),
            )
            for comment in self.target.comments.all().oldest_first().with_authors()
        ]

    @property
    def can_write(self) -> bool:
        """Return whether the user may add comments."""
        return self.role in WRITE_ROLES

    @property
    def is_full(self) -> bool:
        """Return whether there is the maximum number of comments."""
        return len(self.rows) >= MAX_COMMENTS_PER_PAGE

    @property
    def target_name(self) -> str:
        """What the comments are on, in words."""
        return TARGET_NAMES[type(self.target)]


def can_edit_comment(comment: AnyComment, user: User, role: str) -> bool:
    """Return whether `user` wrote the comment and may still write."""
    return role in WRITE_ROLES and comment.author_id == user.pk


def can_delete_comment(comment: AnyComment, user: User, role: str) -> bool:
    """Return whether `user` wrote the comment or is an administrator."""
    return role == Membership.Role.ADMIN or can_edit_comment(comment, user, role)


def _format_author(author: User | None) -> str:
    return "a deleted user" if author is None else author.get_full_name() or author.get_username()
