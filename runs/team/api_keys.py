"""API keys: made once, kept as a hash, recognised by it."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import timedelta

from django.utils import timezone

from runs.models import ApiKey, Project

KEY_PREFIX_LENGTH = 10
# The last use is shown to people; to the minute is enough, and a read stays a read.
_LAST_USED_RESOLUTION = timedelta(minutes=1)
_MAX_CACHED_KEYS = 1000
# Keys that were found lately, by their hash, behind the version that their rows had. Reading one again would cost ten
# times what asking for its version does.
_key_cache: dict[bytes, tuple[str, ApiKey]] = {}


def create_api_key(project: Project, name: str, scopes: Sequence[str] = ("ingest", "read")) -> str:
    """Make a key of `project` and return its secret, which can't be shown again.

    A random key of 256 bits needs no slow hash.
    """
    secret = f"rg_{secrets.token_urlsafe(32)}"
    ApiKey.objects.create(
        project=project, name=name, prefix=secret[:KEY_PREFIX_LENGTH], digest=_digest(secret), scopes=list(scopes)
    )
    return secret


def find_api_key(secret: str) -> ApiKey | None:
    """The usable key with that secret, with its project; None where it is unknown or was revoked.

    Both are shared between requests, to be read only. Each request asks whether they are as they were, so that
    revoking a key and changing a project work at once.
    """
    digest = _digest(secret)
    version, key = _key_cache.get(digest, ("", None))
    if key is None or ApiKey.objects.version(digest) != version:
        key = _load_key(digest)
    if key is not None:
        _record_use(digest, key)
    return key


def revoke_api_key(key: ApiKey) -> None:
    """From now on `key` opens nothing. What it posted stays, and its name in the history."""
    ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=timezone.now())


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode(errors="replace")).digest()


def _load_key(digest: bytes) -> ApiKey | None:
    key = ApiKey.objects.usable().with_digest(digest)
    if len(_key_cache) >= _MAX_CACHED_KEYS:
        _key_cache.clear()
    if key is None:
        _key_cache.pop(digest, None)
    else:
        _key_cache[digest] = (key.rows_version, key)  # type: ignore[attr-defined] # annotated
    return key


def _record_use(digest: bytes, key: ApiKey) -> None:
    now = timezone.now()
    if key.last_used_at is None or now - key.last_used_at > _LAST_USED_RESOLUTION:
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)
        _key_cache.pop(digest, None)  # its row is another now
