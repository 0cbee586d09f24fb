"""Record failed sign-ins and refused API keys in the audit log, few enough that a flood does not fill the disk."""

from __future__ import annotations

from runs.models import AuditEvent, Project
from runs.team.report_limiter import ReportLimiter

_sign_in_limiter = ReportLimiter()


def report_sign_in_failure(user_name: str, address: str, action: str = "failed to sign in") -> None:
    """Record a failed or refused attempt to sign in with the name that was typed."""
    repeats = _sign_in_limiter.admit(f"{address} {action} {user_name[:150]}")
    if repeats is not None:
        _record(None, user_name, action, AuditEvent.Category.SIGN_IN_FAILURE, address, repeats)


def _record(project: Project | None, actor: str, action: str, category: str, address: str, repeats: int) -> None:
    suffix = f", and {repeats} more like it before" if repeats else ""
    AuditEvent.objects.record(project, actor, action + suffix, category=category, address=address)
    AuditEvent.objects.delete_old_failures()
