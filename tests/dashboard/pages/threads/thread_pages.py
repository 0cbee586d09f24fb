"""Helpers that post threads and read their pages."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.urls import reverse

from runs.models import Project
from tests import factories
from tests.pages import Page

LIST_URL = "/p/default/threads/"
SCRIPT = "<script>alert('x')<img src=x onerror=alert(1)>\"'"


def thread_url(thread_id: str = "thread_first") -> str:
    """Return the URL of the page of a thread."""
    return reverse("thread", kwargs={"project": "default", "thread_id": thread_id})


def listed_threads(response: HttpResponse) -> list[str]:
    """Return the ids of the threads on a page of the list."""
    links = Page(response).find_all("link")
    return [link.get("title") or "" for link in links if link.url.startswith(LIST_URL) and link.get("title")]


def post_conversation(project: Project, thread_id: str = "thread_first") -> tuple[dict[str, Any], dict[str, Any]]:
    """Post a question, a run that answers it in the same second, a second question, and a run that fails."""
    at = factories.NOW
    good = factories.run_object(id="run_good", thread_id=thread_id, created_at=at, completed_at=at)
    bad = factories.failed_run(id="run_bad", thread_id=thread_id, created_at=at + 60, failed_at=at + 70)
    fields = {"thread_id": thread_id, "created_at": at}
    assert not factories.post(project, good, bad).errors
    report = factories.post_messages(
        project,
        factories.message_object(good, "I see **two** orders.", **fields),
        factories.message_object(None, "Where is *order* 48209?", **fields),
        factories.message_object(None, "And now?", **fields | {"created_at": at + 59}),
    )
    assert not report.errors
    return good, bad
