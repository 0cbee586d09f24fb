"""Creating, checking, replacing and revoking API keys."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Sequence
from datetime import timedelta

from django.db.models import Q
from django.utils import timezone

from runs.errors import InvalidKeyScopes
from runs.models import ApiKey, Project
from runs.query import RunFilters

API_KEY_PREFIX = "rg_"
KEY_PREFIX_LENGTH = 10
DEFAULT_SCOPES = (ApiKey.Scope.INGEST, ApiKey.Scope.READ)
_KEY_FORMAT = re.compile(rf"{API_KEY_PREFIX}[\w-]{{43}}", re.ASCII)
# The last use is only shown to people. At this resolution, most requests do not write it.
_LAST_USED_RESOLUTION = timedelta(minutes=1)
_MAX_CACHED_KEYS = 1000
# Recently used keys by their hash, each with the version of its rows. Comparing versions takes a tenth of the
# time of loading a key.
_key_cache: dict[bytes, tuple[str, ApiKey]] = {}


def create_api_key(
    project: Project,
    name: str,
    scopes: Sequence[str] = DEFAULT_SCOPES,
    lifetime: timedelta | None = None,
    *,
    description: str = "",
    query: str = "",
) -> str:
    """Create a key of `project` and return its secret, which can't be read again.

    Without `lifetime`, the key never expires. With a `query`, it reads only the runs that match, and can do nothing
    else. A random key of 256 bits needs no slow hash.

    Raises:
        InvalidFilter: The query is invalid.
        InvalidKeyScopes: A key with a query has another scope than `read`.
    """
    if query and list(scopes) != [ApiKey.Scope.READ]:
        raise InvalidKeyScopes
    secret = f"{API_KEY_PREFIX}{secrets.token_urlsafe(32)}"
    ApiKey.objects.create(
        project=project,
        name=name,
        prefix=secret[:KEY_PREFIX_LENGTH],
        digest=_digest(secret),
        scopes=list(scopes),
        expires_at=None if lifetime is None else timezone.now() + lifetime,
        description=description,
        query=RunFilters.parse_query_text(query).to_query_text(),
    )
    return secret


def replace_api_key(key: ApiKey, grace: timedelta) -> str:
    """Create a key like `key`, which expires after `grace` if not before, and return the secret of the new one.

    The new key is valid as long as `key` was meant to be when it was created.
    """
    now = timezone.now()
    lifetime = None if key.expires_at is None else key.expires_at - key.created_at
    secret = create_api_key(key.project, key.name, key.scopes, lifetime, description=key.description, query=key.query)
    ends_at = now + grace
    ApiKey.objects.filter(Q(expires_at=None) | Q(expires_at__gt=ends_at), pk=key.pk).update(expires_at=ends_at)
    return secret


def find_api_key(secret: str, address: str = "") -> ApiKey | None:
    """Return the usable key with that secret, with its project; None if it is unknown, revoked or expired.

    This counts as a use from `address`. Requests share the returned objects, so they must not be changed. Each call
    checks the version of the key and the project, so revoking a key or changing a project takes effect immediately.
    """
    digest = _digest(secret)
    version, key = _key_cache.get(digest, ("", None))
    if key is None or ApiKey.objects.fetch_row_version(digest) != version:
        key = _load_key(digest)
    if key is not None:
        _record_use(digest, key, address)
    return key


def find_ended_api_key(secret: str) -> ApiKey | None:
    """Return the revoked or expired key with that secret, with its project; None if there is none."""
    key = ApiKey.objects.find_by_digest(_digest(secret))
    return key if key is not None and (key.revoked_at is not None or key.is_expired) else None


def is_usable_api_key(secret: str) -> bool:
    """Return whether the key exists and is neither revoked nor expired.

    Unlike `find_api_key`, this does not count as a use.
    """
    return _KEY_FORMAT.fullmatch(secret) is not None and ApiKey.objects.fetch_row_version(_digest(secret)) is not None


def revoke_api_key(key: ApiKey) -> None:
    """Revoke `key`. The runs it posted stay, and the history keeps its name."""
    ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=timezone.now())


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode(errors="replace")).digest()


def _load_key(digest: bytes) -> ApiKey | None:
    key = ApiKey.objects.usable().find_by_digest(digest)
    if len(_key_cache) >= _MAX_CACHED_KEYS:
        _key_cache.clear()
    if key is None:
        _key_cache.pop(digest, None)
    else:
        _key_cache[digest] = (key.row_version, key)  # type: ignore[attr-defined] # annotated
    return key


def _record_use(digest: bytes, key: ApiKey, address: str) -> None:
    now = timezone.now()
    if key.last_used_at is None or now - key.last_used_at > _LAST_USED_RESOLUTION:
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=now, last_used_address=address)
        _key_cache.pop(digest, None)  # the row has a new version
