"""How the hosted APIs' clients show their key, and what it has to allow."""

from __future__ import annotations

from typing import Any, cast

from django.contrib.auth.models import AnonymousUser
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from runs.api.authentication import BearerAuthentication
from runs.models import ApiKey
from runs.team.api_keys import find_api_key


class AssistantsClientAuthentication(BearerAuthentication):
    """`Authorization: Bearer KEY`, or `api-key: KEY` as the clients of Azure OpenAI send it."""

    def authenticate(self, request: Request) -> tuple[Any, ApiKey]:
        secret = request.headers.get("api-key")
        if secret is None or "Authorization" in request.headers:
            return super().authenticate(request)
        key = find_api_key(secret.strip())
        if key is None:
            raise AuthenticationFailed("This API key is not known or was revoked")
        return AnonymousUser(), key


class HasReadScopeOrWrites(BasePermission):
    """Reading needs the scope `read`. Writes are let through to be told that this is an archive."""

    message = "This API key lacks the scope 'read'"

    def has_permission(self, request: Request, view: Any) -> bool:  # noqa: ARG002
        return request.method not in SAFE_METHODS or ApiKey.Scope.READ in cast(ApiKey, request.auth).scopes
