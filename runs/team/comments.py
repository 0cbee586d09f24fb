"""Writing what people say about runs: how long, how many, and by whom."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from runs.errors import InvalidComment, Problem
from runs.models import Comment, Run, User
from runs.protocol.lossless_json import clean

LONGEST = 10_000  # characters
# On one run, so that its page stays a page.
MOST = 200


def add(run: Run, author: User, text: str) -> Comment:
    """Write a comment of `author` on `run`. Raises InvalidComment, also where the run was deleted meanwhile."""
    words = _checked(text)
    with transaction.atomic():
        # locked, so that it is not deleted meanwhile and leaves the comment behind
        if not Run.objects.with_keys([run.pk]).locked():
            raise _refusal("the run is not there any more")
        if Comment.objects.of_run(run).count() >= MOST:
            raise _refusal(f"a run has room for {MOST} comments")
        return Comment.objects.create(run=run, author=author, text=words)


def change(comment: Comment, text: str) -> None:
    """Write `comment` anew. Raises InvalidComment."""
    words = _checked(text)
    if words == comment.text:
        return
    comment.text, comment.edited_at = words, timezone.now()
    comment.save(update_fields=["text", "edited_at"])


def delete(comment: Comment) -> None:
    """Take `comment` away."""
    Comment.objects.filter(run_id=comment.run_id, id=comment.id).delete()


def _checked(text: str) -> str:
    """The text as it is kept. Browsers send lines that end in two characters."""
    words = clean(text).replace("\r\n", "\n").strip()
    if not words:
        raise _refusal("nothing was written")
    if len(words) > LONGEST:
        raise _refusal(f"it has {len(words):,} characters; {LONGEST:,} are the most")
    return words


def _refusal(message: str) -> InvalidComment:
    return InvalidComment(f"text: {message}", [Problem("text", message)])
