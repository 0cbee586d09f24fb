"""Authenticate requests by their API key and check its scopes."""

from __future__ import annotations

from typing import Any, cast

from django.contrib.auth.models import AnonymousUser
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from runs.models import ApiKey
from runs.team.api_keys import find_api_key
from runs.team.failure_reports import report_key_failure
from runs.team.request_limits import count_project_request

# PATCH changes what the team decided. Keys of agents, which have the scope `ingest`, may not.
_SCOPES = {"DELETE": ApiKey.Scope.DELETE, "PATCH": ApiKey.Scope.TRIAGE}


class BearerAuthentication(BaseAuthentication):
    """Authentication with `Authorization: Bearer KEY`. `request.auth` becomes the API key."""

    def authenticate(self, request: Request) -> tuple[Any, ApiKey]:
        """Return an anonymous user and the API key.

        Raises:
            AuthenticationFailed: there is no key, or it is unknown, revoked or expired.
        """
        scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not secret.strip():
            raise AuthenticationFailed("An API key is required: Authorization: Bearer KEY")
        return AnonymousUser(), self.get_api_key(request, secret)

    def get_api_key(self, request: Request, secret: str) -> ApiKey:
        """Return the API key with the given secret. Failures are recorded, a few a minute.

        Raises:
            AuthenticationFailed: the key is unknown, revoked or expired.
        """
        address = request.META.get("REMOTE_ADDR") or ""
        key = find_api_key(secret.strip(), address)
        if key is None:
            report_key_failure(secret.strip(), address)
            raise AuthenticationFailed("The API key is unknown, revoked or expired")
        return key

    def authenticate_header(self, request: Request) -> str:  # noqa: ARG002 - the signature is the framework's
        """Return the value of `WWW-Authenticate` in responses with status 401."""
        return "Bearer"


class ProjectRequestLimit(BaseThrottle):
    """The limit of requests a minute that the project of the API key has."""

    def allow_request(self, request: Request, view: Any) -> bool:  # noqa: ARG002 - the signature is the framework's
        """Count the request, and return whether it is within the limit."""
        self._seconds_left = count_project_request(cast(ApiKey, request.auth).project)
        return self._seconds_left == 0

    def wait(self) -> int:
        """Return the seconds until the next minute."""
        return self._seconds_left


class HasRequiredScope(BasePermission):
    """Permission for keys with the scope of the method: `read` for safe ones, else that of `_SCOPES`, or `ingest`."""

    def has_permission(self, request: Request, view: Any) -> bool:  # noqa: ARG002 - the signature is the framework's
        """Return whether the key has the scope that the method requires."""
        scope = self.get_required_scope(request)
        self.message = f"The API key lacks the scope '{scope}'"
        return scope in cast(ApiKey, request.auth).scopes

    def get_required_scope(self, request: Request) -> ApiKey.Scope:
        """Return the scope that the method requires."""
        if request.method in SAFE_METHODS:
            return ApiKey.Scope.READ
        return _SCOPES.get(request.method or "", ApiKey.Scope.INGEST)


class HasReadScope(HasRequiredScope):
    """Permission for keys with the scope `read`, for views that only read, whatever the method."""

    def get_required_scope(self, request: Request) -> ApiKey.Scope:  # noqa: ARG002 - reads need no other scope
        """Return the scope `read`."""
        return ApiKey.Scope.READ
