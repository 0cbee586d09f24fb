"""Record what users do in the audit log, with the address of their browser."""

from __future__ import annotations

from django.http import HttpRequest

from runs.models import AuditEvent, Project


def record_event(
    request: HttpRequest,
    project: Project | None,
    action: str,
    category: str = AuditEvent.Category.CHANGE,
    *,
    actor: str = "",
) -> None:
    """Record that the user of `request`, or `actor` if nobody is signed in, did `action`.

    `project` is None for events of the instance. `action` completes a sentence that begins with the user's name.
    """
    address = request.META.get("REMOTE_ADDR") or ""
    AuditEvent.objects.record(project, actor or request.user, action, category=category, address=address)
