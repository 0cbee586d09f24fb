"""Adding, editing and deleting comments on runs."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from runs.errors import InvalidComment, Problem
from runs.models import Comment, Run, User
from runs.protocol.lossless_json import clean_text

MAX_COMMENT_LENGTH = 10_000  # characters
MAX_COMMENTS_PER_RUN = 200  # the run's page shows all of them


def add_comment(run: Run, author: User, text: str) -> Comment:
    """Add a comment to `run`. Raises InvalidComment, also if the run has been deleted."""
    text = _normalize_text(text)
    with transaction.atomic():
        # locked, since deleting the run meanwhile would leave the comment behind
        if not Run.objects.with_ids([run.pk]).locked():
            raise _invalid_comment("the run has been deleted")
        if Comment.objects.of_run(run).count() >= MAX_COMMENTS_PER_RUN:
            raise _invalid_comment(f"a run has at most {MAX_COMMENTS_PER_RUN} comments")
        return Comment.objects.create(run=run, author=author, text=text)


def edit_comment(comment: Comment, text: str) -> None:
    """Replace the text of `comment`. Raises InvalidComment."""
    text = _normalize_text(text)
    if text == comment.text:
        return
    comment.text, comment.edited_at = text, timezone.now()
    comment.save(update_fields=["text", "edited_at"])


def delete_comment(comment: Comment) -> None:
    """Delete `comment`."""
    Comment.objects.filter(run_id=comment.run_id, id=comment.id).delete()


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
