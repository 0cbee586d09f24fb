"""API keys: made, hashed, and recognised in a request."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

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


class BearerKey(BaseAuthentication):
    """`Authorization: Bearer KEY`; the key is `request.auth`, its project decides what is visible."""

    def authenticate(self, request: Request) -> tuple[Any, ApiKey]:
        scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not secret.strip():
            raise AuthenticationFailed("An API key is needed: Authorization: Bearer KEY")
        key = ApiKey.objects.usable().with_digest(_digest(secret.strip()))
        if key is None:
            raise AuthenticationFailed("This API key is not known or was revoked")
        _record_use(key)
        return AnonymousUser(), key

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class HasScope(BasePermission):
    """Posting needs the scope `ingest`, everything else `read`."""

    def has_permission(self, request: Request, view: Any) -> bool:
        scope = "ingest" if request.method == "POST" else "read"
        self.message = f"This API key lacks the scope '{scope}'"
        return scope in request.auth.scopes


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode(errors="replace")).digest()


def _record_use(key: ApiKey) -> None:
    now = timezone.now()
    if key.last_used_at is None or now - key.last_used_at > _USE_RECORDED_EVERY:
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)
