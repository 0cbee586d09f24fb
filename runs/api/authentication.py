"""Who asks: the API key in a request's header, and what it may do."""

from __future__ import annotations

from typing import Any, cast

from django.contrib.auth.models import AnonymousUser
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from runs.models import ApiKey
from runs.team.api_keys import find_api_key


class BearerAuthentication(BaseAuthentication):
    """`Authorization: Bearer KEY`; the key is `request.auth`, its project decides what is visible."""

    def authenticate(self, request: Request) -> tuple[Any, ApiKey]:
        scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not secret.strip():
            raise AuthenticationFailed("An API key is needed: Authorization: Bearer KEY")
        key = find_api_key(secret.strip())
        if key is None:
            raise AuthenticationFailed("This API key is not known or was revoked")
        return AnonymousUser(), key

    def authenticate_header(self, request: Request) -> str:  # noqa: ARG002
        return "Bearer"


class HasRequiredScope(BasePermission):
    """Whatever changes something needs the scope `ingest`, everything else `read`."""

    def has_permission(self, request: Request, view: Any) -> bool:  # noqa: ARG002
        scope = "read" if request.method in SAFE_METHODS else "ingest"
        self.message = f"This API key lacks the scope '{scope}'"
        return scope in cast(ApiKey, request.auth).scopes
