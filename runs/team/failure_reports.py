"""Record failed sign-ins and refused API keys in the audit log, few enough that a flood does not fill the disk."""

from __future__ import annotations

from runs.models import ApiKey, AuditEvent, Project
from runs.team.api_keys import API_KEY_PREFIX, KEY_PREFIX_LENGTH, find_ended_api_key
from runs.team.report_limiter import ReportLimiter

_sign_in_limiter = ReportLimiter()
_key_limiter = ReportLimiter()


def report_sign_in_failure(user_name: str, address: str, action: str = "failed to sign in") -> None:
    """Record a failed or refused attempt to sign in with the name that was typed."""
    repeats = _sign_in_limiter.admit(f"{address} {action} {user_name[:150]}")
    if repeats is not None:
        _record(None, user_name, action, AuditEvent.Category.SIGN_IN_FAILURE, address, repeats)


def report_key_failure(secret: str, address: str) -> None:
    """Record the use of an API key that is unknown, revoked or expired.

    Of an unknown one, at most the prefix is recorded.
    """
    prefix = f"{secret[:KEY_PREFIX_LENGTH]}…" if secret.startswith(API_KEY_PREFIX) else "of another form"
    repeats = _key_limiter.admit(f"{address} {prefix}")
    if repeats is None:
        return
    if key := find_ended_api_key(secret):
        end = "is revoked" if key.revoked_at else "has expired"
        _record_key_failure(key, f"was refused: it {end}", address, repeats)
    else:
        action = "was refused: it is unknown"
        _record(None, f"API key {prefix}", action, AuditEvent.Category.KEY_FAILURE, address, repeats)


def report_scope_failure(key: ApiKey, reason: str, address: str) -> None:
    """Record the use of an API key for something that it has no permission for."""
    repeats = _key_limiter.admit(f"{address} {key.pk} {reason}")
    if repeats is not None:
        _record_key_failure(key, f"was refused: {reason}", address, repeats)


def _record_key_failure(key: ApiKey, action: str, address: str, repeats: int) -> None:
    actor = f"API key {key.name} ({key.prefix}…)"
    _record(key.project, actor, action, AuditEvent.Category.KEY_FAILURE, address, repeats)


def _record(project: Project | None, actor: str, action: str, category: str, address: str, repeats: int) -> None:
    suffix = f", and {repeats} more like it before" if repeats else ""
    AuditEvent.objects.record(project, actor, action + suffix, category=category, address=address)
    AuditEvent.objects.delete_old_failures()
