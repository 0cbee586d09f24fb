"""API keys: made once, kept as a hash, recognised by it."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import timedelta

from django.utils import timezone

from runs.models import ApiKey, Project

PREFIX_LENGTH = 10
# The last use is shown to people; to the minute is enough, and a read stays a read.
_USE_RECORDED_EVERY = timedelta(minutes=1)


def create_key(project: Project, name: str, scopes: Sequence[str] = ("ingest", "read")) -> str:
    """Make a key of `project` and return its secret, which can't be shown again.

    A random key of 256 bits needs no slow hash.
    """
    secret = f"rg_{secrets.token_urlsafe(32)}"
    ApiKey.objects.create(
        project=project, name=name, prefix=secret[:PREFIX_LENGTH], digest=_digest(secret), scopes=list(scopes)
    )
    return secret


def find_key(secret: str) -> ApiKey | None:
    """The usable key with that secret, with its project; None where it is unknown or was revoked."""
    key = ApiKey.objects.usable().with_digest(_digest(secret))
    if key is not None:
        _record_use(key)
    return key


def revoke_key(key: ApiKey) -> None:
    """From now on `key` opens nothing. What it posted stays, and its name in the history."""
    ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=timezone.now())


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode(errors="replace")).digest()


def _record_use(key: ApiKey) -> None:
    now = timezone.now()
    if key.last_used_at is None or now - key.last_used_at > _USE_RECORDED_EVERY:
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)
