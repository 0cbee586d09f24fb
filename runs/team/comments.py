"""Adding, editing and deleting comments on runs and on error groups."""

from __future__ import annotations

import uuid

from django.db import transaction
from django.utils import timezone

from runs.errors import InvalidComment, Problem
from runs.models import Comment, ErrorGroup, ErrorGroupComment, Run, User
from runs.protocol.lossless_json import clean_text

MAX_COMMENT_LENGTH = 10_000  # characters
MAX_COMMENTS_PER_PAGE = 200  # the page of a run or of an error group shows all of them

# What comments are on, and the two kinds of comments.
CommentTarget = Run | ErrorGroup
AnyComment = Comment | ErrorGroupComment
TARGET_NAMES: dict[type[CommentTarget], str] = {Run: "run", ErrorGroup: "error group"}


def add_comment(target: CommentTarget, author: User, text: str) -> AnyComment:
    """Add a comment to a run or an error group. Raises InvalidComment, also if it has been deleted."""
    text, name = _normalize_text(text), TARGET_NAMES[type(target)]
    with transaction.atomic():
        # locked, since deleting the target meanwhile would leave the comment behind
        if not type(target).objects.select_for_update().filter(pk=target.pk).values("pk").first():
            raise _invalid_comment(f"the {name} has been deleted")
        if target.comments.count() >= MAX_COMMENTS_PER_PAGE:
            raise _invalid_comment(f"at most {MAX_COMMENTS_PER_PAGE} comments are allowed on one {name}")
        return target.comments.create(author=author, text=text)


def find_comment(target: CommentTarget, comment_id: uuid.UUID) -> AnyComment | None:
    """Return the comment on `target` with that id."""
    return target.comments.filter(id=comment_id).first()


def edit_comment(comment: AnyComment, text: str) -> None:
    """Replace the text of `comment`. Raises InvalidComment."""
    text = _normalize_text(text)
    if text == comment.text:
        return
    comment.text, comment.edited_at = text, timezone.now()
    comment.save(update_fields=["text", "edited_at"])


def delete_comment(comment: AnyComment) -> None:
    """Delete `comment`."""
    comment.delete()


def _normalize_text(text: str) -> str:
    """Return the text as it is stored: trimmed, with Unix line endings. Raises InvalidComment."""
    text = clean_text(text).replace("\r\n", "\n").strip()
    if not text:
        raise _invalid_comment("expected text, found none")
    if len(text) > MAX_COMMENT_LENGTH:
        raise _invalid_comment(f"expected at most {MAX_COMMENT_LENGTH:,} characters, found {len(text):,}")
    return text


def _invalid_comment(message: str) -> InvalidComment:
    return InvalidComment(f"text: {message}", [Problem("text", message)])
