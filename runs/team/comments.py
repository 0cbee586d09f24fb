"""Writing what people say about runs: how long, how many, and by whom."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from runs.errors import InvalidComment, Problem
from runs.models import Comment, Run, User
from runs.protocol.lossless_json import clean_text

MAX_COMMENT_LENGTH = 10_000  # characters
# On one run, so that its page stays a page.
MAX_COMMENTS_PER_RUN = 200


def add_comment(run: Run, author: User, text: str) -> Comment:
    """Write a comment of `author` on `run`. Raises InvalidComment, also where the run was deleted meanwhile."""
    words = _normalize_text(text)
    with transaction.atomic():
        # locked, so that it is not deleted meanwhile and leaves the comment behind
        if not Run.objects.with_keys([run.pk]).locked():
            raise _invalid_comment("the run is not there any more")
        if Comment.objects.of_run(run).count() >= MAX_COMMENTS_PER_RUN:
            raise _invalid_comment(f"a run has room for {MAX_COMMENTS_PER_RUN} comments")
        return Comment.objects.create(run=run, author=author, text=words)


def edit_comment(comment: Comment, text: str) -> None:
    """Write `comment` anew. Raises InvalidComment."""
    words = _normalize_text(text)
    if words == comment.text:
        return
    comment.text, comment.edited_at = words, timezone.now()
    comment.save(update_fields=["text", "edited_at"])


def delete_comment(comment: Comment) -> None:
    """Take `comment` away."""
    Comment.objects.filter(run_id=comment.run_id, id=comment.id).delete()


def _normalize_text(text: str) -> str:
    """The text as it is kept. Browsers send lines that end in two characters."""
    words = clean_text(text).replace("\r\n", "\n").strip()
    if not words:
        raise _invalid_comment("nothing was written")
    if len(words) > MAX_COMMENT_LENGTH:
        raise _invalid_comment(f"it has {len(words):,} characters; {MAX_COMMENT_LENGTH:,} are the most")
    return words


def _invalid_comment(message: str) -> InvalidComment:
    return InvalidComment(f"text: {message}", [Problem("text", message)])
